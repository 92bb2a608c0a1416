# SPDX-License-Identifier: Apache-2.0
"""How long each of 32 `run --rm` at once takes, beside one alone."""
import pathlib
import shutil
import subprocess
import tempfile

import images
import measure
from engine import Engine

IMAGE = "debian:trixie"
PROGRAM = "/bin/true"
AT_ONCE = 32


def together(words, waves):
    """Each of AT_ONCE commands a wave, timed from its own start to its own end, as milliseconds."""
    done = subprocess.run([str(measure.ROOT / "build" / "bench" / "bench-together"), str(AT_ONCE), str(waves), *map(str, words)],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return [int(line) / 1e6 for line in done.stdout.split()]


def bench(runs=None):
    runs = runs or 50
    folder = pathlib.Path(tempfile.mkdtemp(prefix="berth-bench-"))
    engine = Engine(folder / "engine").start()
    try:
        engine.berth("load", "-i", images.make("debian", str(measure.ROOT / "build" / "images")), timeout=600)
        words = engine.command("run", "--rm", "--network", "none", IMAGE, PROGRAM)
        alone = measure.interleave([("one alone", words)], runs)["one alone"]
        rows = [measure.summary("one alone", alone), measure.summary(f"{AT_ONCE} at once", together(words, max(2, runs // 5)))]
        measure.report("parallel", rows, "one alone", [f"goal: p99 of {AT_ONCE} at once at most 4 times the median of one alone"])
        print(f"p99 of {AT_ONCE} at once is {rows[1]['p99_ms'] / rows[0]['median_ms']:.1f} times the median of one alone")
    finally:
        engine.close()
        shutil.rmtree(folder, ignore_errors=True)
