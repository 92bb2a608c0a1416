# SPDX-License-Identifier: Apache-2.0
"""The disk is full from some write of a verb on: the caller is told so, the others are answered, nothing half-made is
left, and the same request succeeds when there is room again."""
import errno
import os
import time

import cutshort
import ledger
import pytest
from cutshort import CACHED, NEVER, RESUMED, Tracer, others_are_well

POINTS = int(os.environ.get("BERTH_DISK_FULL_POINTS", "4"))
KINDS = [cutshort.Run, cutshort.RunAndRemove, cutshort.Create, cutshort.Start, cutshort.Stop, cutshort.Remove,
         cutshort.Copy, cutshort.Load, cutshort.Untag, cutshort.Commit, cutshort.Pull]
FAULTS = {"full": (errno.ENOSPC, []), "broken": (errno.EIO, ["--once"])}
WORDS = {errno.ENOSPC: ("No space left on device", "disk is full"), errno.EIO: ("Input/output error", "disk I/O error")}
ANSWER_S = 5
SPARE = ("spare/",)  # folders in advance, as many as there was room for
# what was fetched whole is of use to the next pull, unless there is no room for it
FETCHED = {"full": (), "broken": ("blobs/", "layers/")}


def start_tracer(engine, kind, fault, at):
    number, options = FAULTS[fault]
    # the files of an instance are written by way of a mount that has no place in the tree
    below = "/" if kind is cutshort.Copy else engine.state
    return Tracer(engine.process.pid, at, "--error", str(number), *options, "--below", str(below))


def others_are_answered(engine):
    """In time, while the disk is full."""
    begin = time.monotonic()
    others_are_well(engine)
    assert engine.out("ps", "-q") and engine.out("images", "-q")
    assert time.monotonic() - begin < ANSWER_S


def check_point(engine, verb, fault, at, before):
    verb.prepare()
    tracer = start_tracer(engine, type(verb), fault, at)
    try:
        done = engine.berth(*verb.request, check=False, timeout=60)
        others_are_answered(engine)
    finally:
        tracer.end()
    if done.returncode != 0:
        assert any(word in done.stderr for word in WORDS[FAULTS[fault][0]]), done.stderr
    assert engine.process.poll() is None
    if verb.state() == "dead":  # half removed: it says why, and another removal takes the rest
        assert any(word in engine.inspect("subject")["State"]["Error"] for word in WORDS[FAULTS[fault][0]])
    else:
        verb.check(done.returncode == 0)
    verb.clean()
    ledger.assert_settles(engine, before, ignore=CACHED + RESUMED + SPARE + FETCHED[fault])
    verb.prepare()
    engine.berth(*verb.request)
    verb.check(True)
    verb.clean()
    ledger.assert_settles(engine, before, ignore=CACHED + SPARE)


@pytest.fixture(scope="module")
def files(tmp_path_factory, registry):
    return cutshort.make_files(tmp_path_factory.mktemp("full"), registry)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_disk_that_is_full_at_any_write_is_told_and_nothing_half_made_is_left(own_engine, files, kind, fault):
    engine = own_engine()
    verb = cutshort.make_verb(kind, engine, files)
    verb.prepare()
    tracer = start_tracer(engine, kind, fault, NEVER)
    engine.berth(*verb.request)
    calls = tracer.end()
    verb.clean()
    others_are_well(engine)
    before = ledger.settled(engine)
    points = cutshort.spread(calls, POINTS)
    print(f"{kind.__name__}, {fault}: {len(points)} of {calls} writes")
    for at in points:
        try:
            check_point(engine, verb, fault, at, before)
        except AssertionError as error:
            raise AssertionError(f"{fault} from write {at} of {calls} on: {error}") from error
