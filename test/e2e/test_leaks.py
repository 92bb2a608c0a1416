# SPDX-License-Identifier: Apache-2.0
"""Many cycles leave exactly what was there before: processes, mounts, namespaces, groups, descriptors, files, memory."""
import itertools
import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import ledger

IMAGE = "busybox:latest"
CYCLES = int(os.environ.get("BERTH_LEAK_CYCLES", "300"))
GROWTH_KIB = 1024


def cycle(engine, number):
    """One of the ways an instance comes and goes."""
    way = number % 5
    if way == 0:
        engine.berth("run", "--rm", IMAGE, "true")
    elif way == 1:
        identifier = engine.out("run", "-d", IMAGE, "sleep", "1000")
        engine.berth("exec", identifier, "true")
        engine.berth("rm", "-f", identifier)
    elif way == 2:
        done = engine.berth("run", "--rm", IMAGE, "/no-such-program", check=False)
        assert done.returncode == 127
    elif way == 3:
        identifier = engine.out("create", IMAGE, "sh", "-c", "echo x > /srv/file")
        engine.berth("start", identifier)
        engine.berth("wait", identifier)
        engine.berth("rm", identifier)
    else:
        engine.berth("run", "--rm", "--tmpfs", "/t", "--network", "none", "-v", "/etc:/mnt:ro", IMAGE, "ls", "/mnt")


def test_cycles_of_run_and_rm_leave_nothing_and_no_memory(own_engine):
    engine = own_engine()
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda n: cycle(engine, n), range(30)))
        before = ledger.settled(engine)
        resident = ledger.resident_kib(engine.process.pid)
        list(pool.map(lambda n: cycle(engine, n), range(CYCLES)))
    ledger.assert_settles(engine, before)
    assert ledger.resident_kib(engine.process.pid) <= resident + GROWTH_KIB
    ids = [json.loads(line).get("id") for line in
           engine.out("events", "--since", "1h", "--until", "0s", "--format", "{{json .}}").splitlines()]
    assert ledger.cgroups_of(filter(None, ids)) == []


def test_execs_logs_and_streams_leave_nothing_in_keeper_and_engine(engine, name):
    engine.berth("run", "-d", "--name", name, IMAGE, "sh", "-c", "echo one; sleep 1000")
    keeper = ledger.keeper_of(engine.inspect(name)["State"]["Pid"])

    def use(number):
        engine.berth("exec", name, "true")
        engine.berth("exec", "-u", "nobody", name, "no-such-program", check=False)
        engine.berth("logs", name)
        client = subprocess.Popen(engine.command(*(["attach", name], ["logs", "-f", name])[number % 2]),
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if number % 2:
            client.stdout.readline()
        client.kill()
        client.wait()
        client.stdout.close()
    for number in range(4):
        use(number)
    before = ledger.settled(engine), sorted(ledger.descriptors(keeper))
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(use, range(4, 44)))
    ledger.assert_settles(engine, before[0])
    assert sorted(ledger.descriptors(keeper)) == before[1]


def test_refused_requests_leave_nothing(engine, tmp_path):
    refused = [["-v", f"{tmp_path}/none:/x:nonsense"], ["--cap-add", "NOPE"], ["--mount", f"type=bind,src={tmp_path}/none,dst=/x"],
               ["-u", "no-such-user"], ["--security-opt", "seccomp=/nowhere"], ["--workdir", "relative"], ["--tmpfs", "/bin/busybox"]]

    def refuse(words):
        assert engine.berth("run", "--rm", *words, IMAGE, "true", check=False).returncode in (125, 126, 127), words
    for words in refused:
        refuse(words)
    before = ledger.settled(engine)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(refuse, itertools.chain(*[refused] * 8)))
    ledger.assert_settles(engine, before)
