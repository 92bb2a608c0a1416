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
    before = ledger.settled(engine)
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


def test_a_keeper_that_wrote_logs_and_served_execs_at_once_stays_small(engine):
    """Two of them: pages of the program that only one has mapped would count as its own."""
    ids = [engine.out("run", "-d", IMAGE, "sh", "-c", "seq 1 100000; sleep 1000") for _ in range(2)]
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda n: engine.out("exec", ids[n % 2], "seq", "1", "1000"), range(80)))
    assert all(text.endswith("\n1000") for text in done)
    for identifier in ids:
        keeper = ledger.keeper_of(engine.inspect(identifier)["State"]["Pid"])
        assert ledger.private_kib(keeper) <= KEEPER_PRIVATE_KIB
