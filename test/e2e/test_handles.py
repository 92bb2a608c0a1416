# SPDX-License-Identifier: Apache-2.0
"""Class C: no handle of the host's, and none of Berth's own programs, can be had from inside."""
import hashlib
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

import images
import ledger
import roots
from conftest import IMAGE_FOLDER, ROOT
from engine import BIN, Engine

IMAGE = "busybox:latest"
PROBE = ["-v", f"{ROOT}/build/test/tools/probe:/probe:ro"]
EXTRA = 200


@pytest.fixture
def many_handles():
    """200 descriptors of a host's folder that whoever is started inherits."""
    fds = [os.open("/etc", os.O_RDONLY) for _ in range(EXTRA)]
    for fd in fds:
        os.set_inheritable(fd, True)
    yield fds
    for fd in fds:
        os.close(fd)


def test_C1_only_the_standard_streams_are_open_whatever_the_callers_had(tmp_path, many_handles):
    engine = Engine(tmp_path / "engine").start(pass_fds=many_handles)
    try:
        engine.berth("load", "-i", images.make("busybox", IMAGE_FOLDER))
        ways = [["run", "--rm", *PROBE, IMAGE], ["run", "--rm", "-t", *PROBE, IMAGE], ["run", "--rm", "-i", *PROBE, IMAGE],
                ["run", "--rm", "--init", *PROBE, IMAGE], ["run", "--rm", "--privileged", "--userns=host", *PROBE, IMAGE]]
        engine.berth("run", "-d", "--name", "running", *PROBE, IMAGE, "sleep", "1000")
        for words in [*ways, ["exec", "running"], ["exec", "-t", "running"], ["exec", "-i", "-u", "app", "running"]]:
            done = subprocess.run(engine.command(*words, "/probe", "handles"), pass_fds=many_handles, capture_output=True,
                                  text=True, timeout=30, stdin=subprocess.DEVNULL)
            assert done.stdout.splitlines() == ["cwd inside"], (words, done.stderr)
        keeper = ledger.keeper_of(engine.inspect("running")["State"]["Pid"])
        assert [kind for kind in ledger.descriptors(keeper) if kind == "/etc"] == []
    finally:
        engine.close()


@pytest.mark.parametrize("folder", [f"/proc/self/fd/{n}" for n in (3, 4, 5, 6, 7, 8, 9, 10, 12, 15)] +
                         ["/proc/self/fd/7/../../..", "/proc/thread-self/fd/5", "/proc/1/fd/6", "/proc/self/cwd/../../.."])
def test_C2_a_working_folder_by_a_descriptor_is_refused_or_inside(engine, name, folder):
    engine.berth("run", "-d", "--name", name, *PROBE, IMAGE, "sleep", "1000")
    for words in (["run", "--rm", "-w", folder, *PROBE, IMAGE], ["exec", "-w", folder, name]):
        done = engine.berth(*words, "/probe", "handles", check=False)
        if done.returncode == 0:
            assert done.stdout.splitlines() == ["cwd inside"]
        else:
            assert done.returncode in (125, 126, 127) and "cwd" not in done.stdout
    assert engine.out("exec", "-w", "/proc/self/fd", name, "pwd").startswith("/proc")


# What looks at every process it sees, and writes down each that is not of the image.
WATCH = ("while :; do for p in /proc/[0-9]*; do exe=$(readlink $p/exe) || continue; case $exe in /bin/*) continue;; esac;"
         " echo \"exe $exe\" >> /seen; (: > $p/exe) 2>/dev/null && echo written >> /seen;"
         " ls $p/fd >/dev/null 2>&1 && echo \"fd of $exe\" >> /seen; ls $p/root/ 2>/dev/null | grep -q . && echo root >> /seen;"
         " cat $p/maps 2>/dev/null | grep -q . && echo maps >> /seen; done; done")


def test_C3_no_process_of_berth_can_be_looked_into_while_execs_come(engine, name):
    engine.berth("run", "-d", "--name", name, IMAGE, "sh", "-c", f"touch /seen; {WATCH}")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: engine.berth("exec", name, "/bin/true"), range(200)))
    assert engine.out("exec", name, "cat", "/seen") == ""


def checksums():
    return {program.name: hashlib.sha256(program.read_bytes()).hexdigest()
            for program in BIN.iterdir() if program.is_file()}


def test_C4_a_program_that_is_its_own_interpreter_does_not_get_at_berths(engine, tmp_path, name):
    before = checksums()
    layer = roots.layer(roots.file_of("self", b"#!/proc/self/exe\n", 0o755), roots.file_of("payload", b"#!/bin/sh\necho owned\n", 0o755))
    image = roots.load(engine, tmp_path, "test/interpreter:1", [layer])
    overwrite = ("for i in 1 2 3 4 5 6 7 8 9 10; do for p in /proc/[0-9]*; do"
                 " case $(readlink $p/exe) in /bin/*|'') ;; *) cat /payload > $p/exe && echo owned;; esac; done; done")
    engine.berth("run", "-d", "--name", name, image, "sh", "-c", f"while :; do ({overwrite}) 2>/dev/null; done")
    for words in (["run", "--rm", image], ["exec", name]):
        for _ in range(5):
            done = engine.berth(*words, "/self", check=False, timeout=20)
            assert "owned" not in done.stdout
    assert "owned" not in engine.out("logs", name)
    assert checksums() == before
    assert engine.out("run", "--rm", IMAGE, "echo", "well") == "well"


@pytest.mark.parametrize("words", [[], ["--userns=host"], ["--privileged", "--userns=private"]], ids=lambda w: " ".join(w) or "default")
def test_C3_berths_own_process_1_gives_nothing_away(engine, name, words):
    look = ("cd /proc/1; for f in exe root cwd fd/0 fd/1; do readlink $f >/dev/null && echo $f; done; (: > exe) && echo written;"
            " for f in maps environ auxv stack; do grep -q . $f && echo $f; done; ls map_files | grep -q . && echo map_files; true")
    before = checksums()
    assert engine.out("run", "--rm", "--init", *words, IMAGE, "sh", "-c", look) == ""
    assert checksums() == before
    # the twin: what the image runs as its first process shows itself
    assert "exe" in engine.out("run", "--rm", *words, IMAGE, "sh", "-c", look)
