# SPDX-License-Identifier: Apache-2.0
"""Random kills of the engine under load: what was acknowledged is there to the last line, and nobody is left behind."""
import os
import random
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import ledger

IMAGE = "busybox:latest"
KILLS = int(os.environ.get("BERTH_KILLS", "8"))
LINES = 30
WORKERS = 4


def script(number):
    return f"i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); echo {number}-$i; sleep 0.01; done; exit {number % 100}"


class Load:
    """Workers that start instances all the time, and note what was acknowledged."""

    def __init__(self, engine):
        self.engine, self.over = engine, threading.Event()
        self.started, self.heard = {}, {}
        self.lock = threading.Lock()
        self.number = 0

    def next(self):
        with self.lock:
            self.number += 1
            return self.number

    def work(self):
        while not self.over.is_set():
            number = self.next()
            if number % 3:
                done = self.engine.berth("run", "-d", "--name", f"w{number}", IMAGE, "sh", "-c", script(number), check=False)
                if done.returncode == 0:
                    self.started[number] = done.stdout.strip()
            else:  # in the foreground: the stream comes from the keeper, and goes on without the engine
                done = self.engine.berth("run", "--rm", "--name", f"w{number}", IMAGE, "sh", "-c", script(number), check=False)
                self.heard[number] = (done.returncode, done.stdout.splitlines())
            if done.returncode == 1 or done.returncode == 125:
                time.sleep(0.05)


def expected(number, count=LINES):
    return [f"{number}-{i}" for i in range(1, count + 1)]


def test_random_kills_under_load_lose_nothing_that_was_acknowledged(own_engine):
    engine = own_engine()
    engine.berth("run", "-d", "--name", "bystander", IMAGE, "sleep", "10000")
    load = Load(engine)
    with ThreadPoolExecutor(WORKERS) as pool:
        workers = [pool.submit(load.work) for _ in range(WORKERS)]
        for _ in range(KILLS):
            time.sleep(random.uniform(0.1, 0.9))
            engine.kill()
            time.sleep(random.uniform(0, 0.3))
            engine.start()
        load.over.set()
        for worker in workers:
            worker.result()
    assert len(load.started) > KILLS
    for number, identifier in load.started.items():
        assert engine.out("wait", identifier) == str(number % 100)
        assert engine.out("logs", identifier).splitlines() == expected(number)
    for number, (status, lines) in load.heard.items():
        # cut off before it began, or the whole of it: a client that was attached misses nothing
        assert lines in ([], expected(number)), number
        assert status in (number % 100, 1, 125), number
    # what was to be removed after its end is, also where the engine did not live to see that
    deadline = time.monotonic() + 20
    while left := [name for name in engine.out("ps", "-a", "--filter", "status=exited", "--format", "{{.Names}}").split()
                   if int(name[1:]) % 3 == 0]:
        assert time.monotonic() < deadline, left
        time.sleep(0.1)
    assert engine.out("exec", "bystander", "echo", "here") == "here"
    engine.remove_all()
    after = ledger.settled(engine)
    assert after["processes"] == [] and not [path for path in after["state"] + after["run"] if path.startswith("instances/")]
    assert ledger.cgroups_of(load.started.values()) == []


def test_an_exec_and_its_client_survive_the_engine(own_engine):
    engine = own_engine()
    engine.berth("run", "-d", "--name", "web", IMAGE, "sleep", "1000")
    client = subprocess.Popen(engine.command("exec", "web", "sh", "-c", script(7)), stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    assert client.stdout.readline() == "7-1\n"
    engine.kill()
    assert client.stdout.read().splitlines() == expected(7)[1:]
    client.wait(20)
    client.stdout.close()
    engine.start()
    assert engine.out("exec", "web", "echo", "again") == "again"
