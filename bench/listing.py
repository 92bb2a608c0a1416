# SPDX-License-Identifier: Apache-2.0
"""How long a list of 1,000 stopped containers takes, by the command line and by the API."""
import pathlib
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import images
import measure
from engine import Engine
from rawhttp import Raw
from start import PROGRAM

IMAGE = "busybox:latest"
STOPPED = 1000


def timed(act, runs):
    """Milliseconds of each run; the first warms caches and is not counted."""
    times = []
    for _ in range(runs + 1):
        started = time.monotonic()
        act()
        times.append((time.monotonic() - started) * 1000)
    return times[1:]


def get(raw, target):
    """To the last byte; what a client makes of them is its own matter."""
    status, body = raw.send(f"GET {target} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n".encode())
    assert status == 200 and body


def bench(runs=None):
    runs = runs or 50
    folder = pathlib.Path(tempfile.mkdtemp(prefix="berth-bench-"))
    engine = Engine(folder / "engine").start()
    try:
        engine.berth("load", "-i", images.make("busybox", str(measure.ROOT / "build" / "images")), timeout=600)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: engine.berth("run", "--network", "none", IMAGE, PROGRAM), range(STOPPED)))
        raw = Raw(engine.socket)
        assert len(engine.out("ps", "-aq").split()) == STOPPED
        rows = [
            measure.summary("berth ps -a", measure.interleave([("berth ps -a", engine.command("ps", "-a"))], runs)["berth ps -a"]),
            measure.summary("GET /containers/json?all=1", timed(lambda: get(raw, "/containers/json?all=1"), runs)),
            measure.summary("GET /containers/json", timed(lambda: get(raw, "/containers/json"), runs)),
        ]
        measure.report("list", rows, "berth ps -a", [f"{STOPPED} stopped containers; goal: at most 20 ms"])
    finally:
        engine.close()
        shutil.rmtree(folder, ignore_errors=True)
