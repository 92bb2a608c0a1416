# SPDX-License-Identifier: Apache-2.0
"""The connection of an engine to a keeper that lives may break: it is made anew, and nobody notices."""
import ctypes
import os
import socket
import subprocess
import time

IMAGE = "busybox:latest"
PIDFD_GETFD = 438
TICK = "i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo line $i; sleep 0.02; done; exit 6"


def break_links(engine):
    """Shuts down every connection to a keeper, as if the network between them had failed; their count."""
    libc = ctypes.CDLL(None, use_errno=True)
    pid = engine.process.pid
    pidfd = os.pidfd_open(pid)
    broken = 0
    for entry in os.listdir(f"/proc/{pid}/fd"):
        try:
            if not os.readlink(f"/proc/{pid}/fd/{entry}").startswith("socket:"):
                continue
        except OSError:
            continue
        fd = libc.syscall(PIDFD_GETFD, pidfd, int(entry), 0)
        if fd < 0:
            continue
        with socket.socket(fileno=fd) as copy:
            if copy.type == socket.SOCK_SEQPACKET:
                copy.shutdown(socket.SHUT_RDWR)
                broken += 1
    os.close(pidfd)
    return broken


def test_a_broken_connection_is_no_end_of_the_instance(own_engine):
    engine = own_engine()
    engine.berth("run", "-d", "--name", "web", IMAGE, "sh", "-c",
                 "trap 'exit 5' TERM; echo up; while :; do sleep 0.05; done")
    pid = engine.inspect("web")["State"]["Pid"]
    for _ in range(20):
        assert break_links(engine) >= 1
        assert engine.out("exec", "web", "echo", "here") == "here"
    state = engine.inspect("web")["State"]
    assert state["Running"] and state["Pid"] == pid and state["Error"] == ""
    break_links(engine)
    engine.berth("pause", "web")
    break_links(engine)
    engine.berth("unpause", "web")
    engine.berth("stop", "web")
    assert engine.inspect("web")["State"]["ExitCode"] == 5


def test_what_was_attached_sees_every_line_and_the_status(own_engine):
    engine = own_engine()
    engine.berth("run", "-d", "--name", "web", IMAGE, "sleep", "1000")
    clients = [subprocess.Popen(engine.command(*words, "sh", "-c", TICK), stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, text=True)
               for words in (["run", "--name", "fg", IMAGE], ["exec", "web"])]
    for client in clients:
        assert client.stdout.readline() == "line 1\n"
    for _ in range(3):
        break_links(engine)
    for client in clients:
        assert client.stdout.read().splitlines() == [f"line {i}" for i in range(2, 41)]
        assert client.wait(20) == 6
        client.stdout.close()
    assert engine.inspect("fg")["State"]["ExitCode"] == 6
    assert len(engine.out("logs", "fg").splitlines()) == 40


def test_an_end_that_nobody_could_be_told_is_found(own_engine):
    engine = own_engine()
    for number in range(8):
        engine.berth("run", "-d", "--name", f"c{number}", IMAGE, "sh", "-c", f"sleep 0.2; exit {number}")
    deadline = time.monotonic() + 20
    while engine.out("ps", "-q"):
        assert time.monotonic() < deadline
        break_links(engine)
        time.sleep(0.02)
    for number in range(8):
        state = engine.inspect(f"c{number}")["State"]
        assert (state["Status"], state["ExitCode"], state["Error"]) == ("exited", number, "")


def test_numbers_of_processes_do_not_meet_those_of_an_engine_before(own_engine):
    engine = own_engine()
    engine.berth("run", "-d", "--name", "web", IMAGE, "sleep", "1000")
    earlier = subprocess.Popen(engine.command("exec", "web", "sh", "-c", TICK), stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    assert earlier.stdout.readline() == "line 1\n"
    engine.kill()
    engine.start()
    done = engine.berth("exec", "web", "sh", "-c", "echo second; exit 4", check=False)
    assert (done.returncode, done.stdout) == (4, "second\n")
    assert earlier.stdout.read().splitlines()[-1] == "line 40"
    earlier.wait(20)
    earlier.stdout.close()
