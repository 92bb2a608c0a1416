# SPDX-License-Identifier: Apache-2.0
"""Class P of the security checks: a guest that belongs to an attacker, and what the host makes of it.

The machines of this engine boot test/tools/hostile-guest.c in the place of berth-guest: the program they are asked to
run is the attack. BERTH_HOSTILE_FRAMES sets how many frames the long attack sends.
"""
import os
import pathlib
import shutil
import time

import images
import ledger
import pytest
from conftest import IMAGE_FOLDER, ROOT
from engine import BIN, Engine

IMAGE = "busybox:latest"
FRAMES = int(os.environ.get("BERTH_HOSTILE_FRAMES", "200000"))
HOSTILE = pathlib.Path(os.environ.get("BERTH_TEST_TOOLS", ROOT / "build" / "test" / "tools")) / "hostile-guest"

# attack -> what the record says of it
WRONG_FRAMES = {
    "random": "", "oversized": "too long", "replayed": "out of sequence", "fuzzed": "the guest broke the protocol",
    "pongs": "wrong PONG", "byes": "wrong", "empty": "wrong OUTPUT", "strangers": "wrong session",
    "host": "wrong", "unknown": "wrong", "much-credit": "wrong CREDIT",
    "no-credit": "wrong CREDIT", "twice": "wrong STARTED",
}
SILENCE = ("silent", "halfway", "mumbling", "torrent")


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("programs")
    for program in BIN.iterdir():
        if program.is_file() and program.name.startswith("berth"):
            shutil.copy2(program, folder)
    shutil.copy2(HOSTILE, folder / "berth-guest")
    return folder


@pytest.fixture(scope="module")
def hostile(programs):
    """An engine whose machines are an attacker's, and a container that is to notice nothing of them."""
    engine = Engine(programs=programs).start()
    engine.berth("load", "-i", images.make("busybox", IMAGE_FOLDER), timeout=600)
    engine.berth("run", "-d", "--name", "witness", "--network", "none", IMAGE, "sleep", "100000")
    engine.berth("run", "--rm", "--vm", "--network", "none", IMAGE, "nothing")
    yield engine
    engine.close()


@pytest.fixture
def unmoved(hostile):
    """The engine and the others go on as if nothing had been, and nothing is left."""
    pid, resident = hostile.process.pid, ledger.resident_kib(hostile.process.pid)
    witness = hostile.inspect("witness")["State"]["Pid"]
    yield
    assert hostile.process.poll() is None and hostile.process.pid == pid
    assert hostile.inspect("witness")["State"]["Pid"] == witness
    assert hostile.out("exec", "witness", "echo", "here") == "here"
    assert ledger.resident_kib(pid) <= resident + 4096


def state_after(engine, name):
    """The state once the instance is not running any more: some 5 s later, with patience for a busy host."""
    begin = time.monotonic()
    while (state := engine.inspect(name)["State"])["Status"] in ("created", "running"):
        assert time.monotonic() - begin < 30, f"still {state['Status']} after 30 s"
        time.sleep(0.05)
    return state


@pytest.mark.parametrize("attack", WRONG_FRAMES)
def test_p3_a_wrong_frame_ends_the_machine_and_is_named(hostile, unmoved, name, attack):
    hostile.berth("run", "-d", "--vm", "--network", "none", "--name", name, IMAGE, attack, check=False)
    state = state_after(hostile, name)
    assert WRONG_FRAMES[attack] in state["Error"] and state["Error"]
    hostile.berth("stop", name)
    hostile.berth("rm", name)


@pytest.mark.parametrize("attack", SILENCE)
def test_p3_a_guest_that_does_not_answer_is_silent_whatever_else_it_says(hostile, unmoved, name, attack):
    hostile.berth("run", "-d", "--vm", "--network", "none", "--log-driver", "none", "--name", name, IMAGE, attack)
    state = state_after(hostile, name)
    assert "silent: no PONG" in state["Error"] and state["ExitCode"] == 137
    hostile.berth("rm", name)


@pytest.mark.parametrize("attack, words", [("mute", "silent: no STARTED"), ("early", "wrong OUTPUT")])
def test_p3_a_start_that_is_not_answered_rightly_fails_and_says_so(hostile, unmoved, name, attack, words):
    done = hostile.berth("run", "-d", "--vm", "--network", "none", "--name", name, IMAGE, attack, check=False)
    assert done.returncode == 125 and words in done.stderr
    hostile.berth("rm", name)


def test_p3_a_guest_that_lets_nothing_end_is_ended(hostile, unmoved, name):
    for verb in (["stop", "-t", "1"], ["kill"], ["rm", "-f"]):
        hostile.berth("run", "-d", "--vm", "--network", "none", "--name", name, IMAGE, "immortal")
        begin = time.monotonic()
        hostile.berth(*verb, name)
        assert time.monotonic() - begin < 60
        if verb[0] != "rm":
            state = state_after(hostile, name)
            assert state["ExitCode"] == 137 and "end of the process that was killed" in state["Error"]
            hostile.berth("rm", name)


def test_p3_an_end_that_is_told_twice_is_an_end(hostile, unmoved, name):
    hostile.berth("run", "-d", "--vm", "--network", "none", "--name", name, IMAGE, "two-exits")
    assert state_after(hostile, name)["ExitCode"] == 0
    hostile.berth("rm", name)


def test_p3_a_guest_that_resets_itself_is_told_as_such(hostile, unmoved, name):
    hostile.berth("run", "-d", "--vm", "--network", "none", "--name", name, IMAGE, "reset")
    assert "the guest reset itself" in state_after(hostile, name)["Error"]
    hostile.berth("rm", name)


def test_p3_frames_without_number_slow_nobody_else(hostile, unmoved, name):
    """Each frame is as the protocol wants it, with one byte of anything: the host has to take every one."""
    hostile.berth("run", "-d", "--vm", "--network", "none", "--name", name, "--log-driver", "none", IMAGE, "flood", FRAMES)
    keeper = ledger.keeper_of(hostile.inspect(name)["State"]["Pid"])
    slowest = 0
    deadline = time.monotonic() + max(120, FRAMES / 20000)
    while hostile.inspect(name)["State"]["Status"] == "running":
        assert time.monotonic() < deadline
        begin = time.monotonic()
        assert hostile.out("exec", "witness", "echo", "here") == "here"
        slowest = max(slowest, time.monotonic() - begin)
        try:
            assert ledger.resident_kib(keeper) < 16384
        except FileNotFoundError:
            break
    assert state_after(hostile, name)["ExitCode"] == 0
    assert slowest < 5
    hostile.berth("rm", name)
