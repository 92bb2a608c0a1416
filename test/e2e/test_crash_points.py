# SPDX-License-Identifier: Apache-2.0
"""The engine is killed at system calls spread over each verb, and started again: what was acknowledged works, the
rest is whole or absent, nothing is left that nobody owns, and the same request then succeeds."""
import os
import subprocess

import cutshort
import ledger
import pytest
from cutshort import CACHED, NEVER, RESUMED, Tracer, others_are_well

POINTS = int(os.environ.get("BERTH_CRASH_POINTS", "8"))
FAILURES = 5  # that are told at most
KINDS = [cutshort.Run, cutshort.RunAndRemove, cutshort.Create, cutshort.Start, cutshort.Stop, cutshort.Remove,
         cutshort.Exec, cutshort.Copy, cutshort.Load, cutshort.Untag, cutshort.Commit, cutshort.Pull]


def crash(engine, verb, at):
    """Makes the request while the engine has calls up to AT; (acknowledged, calls made)."""
    tracer = Tracer(engine.process.pid, at)
    done = engine.berth(*verb.request, check=False, timeout=60)
    return done.returncode == 0, tracer.end()


def bring_back(engine, acknowledged, calls, at):
    if calls < at:
        assert acknowledged and engine.process.poll() is None
    else:
        engine.process.wait(20)
        engine.start()


def check_point(engine, verb, at, before):
    others = ledger.identifiers(engine)
    verb.prepare()
    acknowledged, calls = crash(engine, verb, at)
    involved = ledger.identifiers(engine) - others
    bring_back(engine, acknowledged, calls, at)
    others_are_well(engine)
    verb.check(acknowledged)
    # what stands in the way of the same request is taken away; what it needs is made again
    verb.clean()
    ledger.assert_settles(engine, before, ignore=CACHED + RESUMED)
    assert ledger.cgroups_of(involved) == []
    verb.prepare()
    engine.berth(*verb.request)
    verb.check(True)
    verb.clean()
    ledger.assert_settles(engine, before, ignore=CACHED)


@pytest.fixture(scope="module")
def files(tmp_path_factory, registry):
    return cutshort.make_files(tmp_path_factory.mktemp("crash"), registry)


def at_rest(engine):
    """The ledger of a freshly started engine: caches are filled, and empty again."""
    engine.restart()
    others_are_well(engine)
    return ledger.settled(engine)


def prepare(engine, kind, files):
    """The verb on a fresh engine, how many calls it makes, and the ledger that each point must come back to."""
    verb = cutshort.make_verb(kind, engine, files)
    verb.prepare()
    acknowledged, calls = crash(engine, verb, NEVER)
    assert acknowledged
    verb.clean()
    return verb, calls, at_rest(engine)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_E5_a_crash_at_any_call_leaves_each_object_whole_or_absent(own_engine, files, kind):
    engine = own_engine()
    verb, calls, before = prepare(engine, kind, files)
    points = cutshort.spread(calls, POINTS)
    print(f"{kind.__name__}: {len(points)} of {calls} calls")
    failures = []
    for at in points:
        try:
            check_point(engine, verb, at, before)
        except (AssertionError, subprocess.TimeoutExpired) as error:
            failures.append(f"killed at call {at} of {calls}: {error}")
            if len(failures) == FAILURES:
                break
            # what is left of this one shall not be seen in the next
            engine = own_engine()
            verb, calls, before = prepare(engine, kind, files)
    assert not failures, "\n\n".join(failures)
