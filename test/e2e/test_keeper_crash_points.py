# SPDX-License-Identifier: Apache-2.0
"""A keeper is killed at system calls spread over what it does: its instance is told to be over, and why, nothing is
left of it, the engine and the others do not notice, and the same request then succeeds."""
import json
import os
import time

import cutshort
import ledger
import pytest
from cutshort import CACHED, NEVER, Tracer, others_are_well

POINTS = int(os.environ.get("BERTH_CRASH_POINTS", "8"))


def start_tracer(engine, kind, at):
    """Of the keeper that the request starts, or of the one that runs already."""
    if kind.before and kind.before[0][0] == "run":
        return Tracer(ledger.keeper_of(engine.inspect("subject")["State"]["Pid"]), at)
    return Tracer(engine.process.pid, at, "--keepers")


def is_told(engine, acknowledged):
    """Whether the record says what happened, in Docker's words; True where nothing is left to be told of."""
    done = engine.berth("inspect", "--format", "{{json .State}}", "subject", check=False)
    if done.returncode != 0:
        return True
    state = json.loads(done.stdout)
    if state["Status"] == "exited":
        # its program may have ended before the keeper did, or just then
        return (state["ExitCode"] == 137 and "keeper" in state["Error"]) or (
            state["ExitCode"] in (0, 3, 137) and state["Error"] == "")
    return state["Status"] == "created" and not acknowledged and "keeper" in state["Error"]


def is_refused(done):
    """What the caller hears: that the keeper ended, or, of a program that had started, that it was killed."""
    return done.returncode == 137 or any(word in done.stderr for word in ("keeper", "ended", "is not running"))


def check_point(engine, verb, at, before):
    others = ledger.identifiers(engine)
    verb.prepare()
    tracer = start_tracer(engine, type(verb), at)
    done = engine.berth(*verb.request, check=False, timeout=60)
    involved = ledger.identifiers(engine) - others
    calls = tracer.end()
    others_are_well(engine)
    if calls >= at:
        assert done.returncode == 0 or is_refused(done), done
        deadline = time.monotonic() + 10
        while not is_told(engine, done.returncode == 0):
            assert time.monotonic() < deadline, (engine.out("inspect", "--format", "{{json .State}}", "subject"), done)
            time.sleep(0.02)
    verb.clean()
    ledger.assert_settles(engine, before, ignore=CACHED)
    assert ledger.cgroups_of(involved) == []
    verb.prepare()
    engine.berth(*verb.request)
    verb.check(True)
    verb.clean()
    ledger.assert_settles(engine, before, ignore=CACHED)


@pytest.mark.parametrize("kind", [cutshort.Run, cutshort.RunAndRemove, cutshort.Start, cutshort.Exec, cutshort.Stop],
                         ids=lambda kind: kind.__name__)
def test_a_keeper_that_is_killed_at_any_call_ends_its_instance_alone(own_engine, kind):
    engine = own_engine()
    verb = cutshort.make_verb(kind, engine, {})
    verb.prepare()
    tracer = start_tracer(engine, kind, NEVER)
    engine.berth(*verb.request)
    calls = tracer.end()
    verb.clean()
    others_are_well(engine)
    before = ledger.settled(engine)
    points = cutshort.spread(calls, POINTS)
    print(f"{kind.__name__}: {len(points)} of {calls} calls")
    for at in points:
        try:
            check_point(engine, verb, at, before)
        except AssertionError as error:
            raise AssertionError(f"keeper killed at call {at} of {calls}: {error}") from error
