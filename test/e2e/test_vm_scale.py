# SPDX-License-Identifier: Apache-2.0
"""Machines in numbers: clones of one template differ in what must differ, and cycles of them leave nothing.

BERTH_CLONES and BERTH_VM_CYCLES set how many.
"""
import collections
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

import ledger

IMAGE = "busybox:latest"
CLONES = int(os.environ.get("BERTH_CLONES", "50"))
AT_ONCE = 4
CYCLES = int(os.environ.get("BERTH_VM_CYCLES", "16"))
GROWTH_KIB = 1024

# What a program may take for a random value or for the machine's name.
IDENTITY = ("cat /proc/sys/kernel/random/boot_id; head -c 32 /dev/urandom | sha256sum | cut -c1-64; "
            "cat /proc/sys/kernel/random/uuid; hostname; date +%s")


def identity_of(engine, number):
    """Every other one is a spare's instance where a spare is there: both ways of starting are in it."""
    before = time.time()
    seen = engine.out("run", "--rm", "--vm", "--network", "none", *(["-m", "200m"] if number % 2 else []), IMAGE, "sh", "-c", IDENTITY,
                      timeout=300).split()
    assert before - 2 <= int(seen.pop()) <= time.time() + 2, "the clock of a clone is wrong"
    return seen


def test_clones_of_one_template_differ_in_what_must_differ(engine):
    with ThreadPoolExecutor(AT_ONCE) as pool:
        seen = list(pool.map(lambda n: identity_of(engine, n), range(CLONES)))
    for kind, values in zip(("boot identifier", "random value", "random uuid", "machine's name"), zip(*seen)):
        assert len(set(values)) == CLONES, (kind, collections.Counter(values).most_common(3))


def test_machines_that_run_at_once_share_no_random_value(engine, name):
    """From one sibling's first read to another's: nothing that was drawn before the clone is drawn twice."""
    names = [f"{name}-{n}" for n in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda n: engine.berth("run", "-d", "--vm", "--network", "none", "--name", n, IMAGE, "sleep", "1000"), names))
        draws = pool.map(lambda n: engine.out("exec", n, "sh", "-c", "for i in 1 2 3 4 5 6 7 8; do cat /proc/sys/kernel/random/uuid; done"), names)
        values = " ".join(draws).split()
    assert len(set(values)) == len(values) == 8 * AT_ONCE


def cycle(engine, number):
    """One of the ways a machine comes and goes."""
    way = number % 4
    if way == 0:
        engine.berth("run", "--rm", "--vm", "--network", "none", IMAGE, "true", timeout=300)
    elif way == 1:
        identifier = engine.out("run", "-d", "--vm", "--network", "none", IMAGE, "sleep", "1000", timeout=300)
        engine.berth("exec", identifier, "true")
        engine.berth("rm", "-f", identifier)
    elif way == 2:
        done = engine.berth("run", "--rm", "--vm", "--network", "none", IMAGE, "/no-such-program", check=False, timeout=300)
        assert done.returncode == 127
    else:
        identifier = engine.out("create", "--vm", "--network", "none", IMAGE, "sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done")
        engine.berth("start", identifier, timeout=300)
        engine.berth("stop", "-t", "5", identifier)
        engine.berth("rm", identifier)


def rested(engine):
    """A ledger with the same spares each time: both kinds of instance were started just before."""
    for way in (0, 1):
        cycle(engine, way)
    return ledger.settled(engine, 90)


def test_cycles_of_machines_leave_nothing_and_no_memory(own_engine):
    engine = own_engine()
    for number in range(4):
        cycle(engine, number)
    before = rested(engine)
    resident = ledger.resident_kib(engine.process.pid)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda n: cycle(engine, n), range(CYCLES)))
    assert ledger.difference(before, rested(engine)) == {}
    assert ledger.resident_kib(engine.process.pid) <= resident + GROWTH_KIB
    ids = [json.loads(line).get("id") for line in
           engine.out("events", "--since", "3h", "--until", "0s", "--format", "{{json .}}").splitlines()]
    assert ledger.cgroups_of(filter(None, ids)) == []
    print(f"{CYCLES} cycles: engine {resident} -> {ledger.resident_kib(engine.process.pid)} KiB")
