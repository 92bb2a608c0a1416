# SPDX-License-Identifier: Apache-2.0
"""What running costs: many at once, small keepers, a small engine."""
from concurrent.futures import ThreadPoolExecutor

import ledger

IMAGE = "busybox:latest"
KEEPER_PRIVATE_KIB = 400
ENGINE_RESIDENT_KIB = 20 * 1024
AT_ONCE = 200


def test_200_containers_run_at_once_answer_and_leave_nothing(own_engine):
    engine = own_engine()
    assert ledger.resident_kib(engine.process.pid) <= ENGINE_RESIDENT_KIB
    engine.berth("run", "--rm", IMAGE, "true")
    before = ledger.take(engine)
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda _: engine.out("run", "-d", IMAGE, "sleep", "1000"), range(AT_ONCE)))
        answers = pool.map(lambda i: engine.out("exec", i, "cat", "/proc/sys/kernel/hostname"), ids)
        assert list(answers) == [i[:12] for i in ids]
    assert len(engine.out("ps", "-q").split()) == AT_ONCE
    assert ledger.resident_kib(engine.process.pid) <= ENGINE_RESIDENT_KIB
    keepers = [ledger.keeper_of(engine.inspect(i)["State"]["Pid"]) for i in ids[::10]]
    assert max(map(ledger.private_kib, keepers)) <= KEEPER_PRIVATE_KIB
    engine.berth("rm", "-f", *ids)
    ledger.assert_settles(engine, before)
    assert ledger.cgroups_of(ids) == []


def test_a_keeper_that_wrote_logs_and_served_execs_stays_small(engine, name):
    engine.berth("run", "-d", "--name", name, IMAGE, "sh", "-c", "seq 1 100000; sleep 1000")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: engine.berth("exec", name, "seq", "1", "1000"), range(40)))
    assert ledger.private_kib(ledger.keeper_of(engine.inspect(name)["State"]["Pid"])) <= KEEPER_PRIVATE_KIB
