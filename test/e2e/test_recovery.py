# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the engine loses no instance, no log line and no exit status."""
import os
import pathlib
import random
import signal
import subprocess
import time

IMAGE = "busybox:latest"


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def counter(lines, pause="0.01", end=0):
    return f"i=0; while [ $i -lt {lines} ]; do i=$((i+1)); echo line $i; sleep {pause}; done; exit {end}"


def keeper_of(engine, name):
    """The keeper's process: the parent of the instance's first one."""
    pid = engine.inspect(name)["State"]["Pid"]
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("PPid:"):
            return int(line.split()[1])


def test_a_killed_engine_loses_no_line_and_no_exit_status(own_engine):
    engine = own_engine()
    expected = {}
    for number in range(8):
        lines, end = 40 + 40 * number, number * 7
        engine.berth("run", "-d", "--name", f"c{number}", IMAGE, "sh", "-c", counter(lines, end=end))
        expected[f"c{number}"] = (lines, end)
    for _ in range(4):
        engine.kill()
        time.sleep(random.uniform(0, 0.6))
        engine.start()
    for name, (lines, end) in expected.items():
        assert engine.out("wait", name) == str(end)
        assert engine.out("logs", name).splitlines() == [f"line {i}" for i in range(1, lines + 1)]
        state = engine.inspect(name)["State"]
        assert state["Status"] == "exited" and state["ExitCode"] == end and state["Error"] == ""


def test_what_runs_is_usable_again_after_a_kill(own_engine):
    engine = own_engine()
    engine.berth("run", "-d", "--name", "web", IMAGE, "sh", "-c",
                 "trap 'exit 5' TERM; echo up; while :; do sleep 0.05; done")
    pid = engine.inspect("web")["State"]["Pid"]
    engine.kill()
    engine.start()
    state = engine.inspect("web")["State"]
    assert state["Running"] and state["Pid"] == pid
    assert engine.out("exec", "web", "echo", "here") == "here"
    engine.berth("stop", "web")
    assert engine.inspect("web")["State"]["ExitCode"] == 5
    engine.berth("start", "web")
    assert engine.inspect("web")["State"]["Running"]


def test_a_client_in_the_foreground_keeps_its_stream(own_engine):
    engine = own_engine()
    client = subprocess.Popen(engine.command("run", "--name", "fg", IMAGE, "sh", "-c", counter(60, "0.02")),
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert client.stdout.readline() == "line 1\n"
    engine.kill()
    rest = client.stdout.read().splitlines()
    client.wait(20)
    assert rest == [f"line {i}" for i in range(2, 61)]
    engine.start()
    assert engine.inspect("fg")["State"]["ExitCode"] == 0


def test_an_instance_to_be_removed_is_removed_by_the_next_engine(own_engine):
    engine = own_engine()
    engine.berth("run", "-d", "--rm", "--name", "ends", IMAGE, "sleep", "0.3")
    engine.berth("run", "-d", "--rm", "--name", "stays", IMAGE, "sleep", "60")
    identifier = engine.inspect("ends")["Id"]
    keeper = keeper_of(engine, "ends")
    engine.kill()
    wait_for(lambda: not os.path.exists(f"/proc/{keeper}"))
    engine.start()
    assert engine.out("ps", "-a", "--format", "{{.Names}}") == "stays"
    assert not (engine.state / "instances" / identifier).exists()
    assert not (engine.run_dir / "instances" / identifier).exists()


def test_a_keeper_that_was_killed_is_told(own_engine):
    engine = own_engine()
    engine.berth("run", "-d", "--name", "now", IMAGE, "sleep", "60")
    engine.berth("run", "-d", "--name", "later", IMAGE, "sleep", "60")
    os.kill(keeper_of(engine, "now"), signal.SIGKILL)
    wait_for(lambda: engine.inspect("now")["State"]["Status"] == "exited")
    keeper = keeper_of(engine, "later")
    engine.kill()
    os.kill(keeper, signal.SIGKILL)
    engine.start()
    for name in ("now", "later"):
        state = engine.inspect(name)["State"]
        assert state["Status"] == "exited" and state["ExitCode"] == 137
        assert "keeper" in state["Error"]
        engine.berth("rm", name)


def test_a_second_engine_for_the_same_state_is_refused(own_engine):
    engine = own_engine(image=None)
    command = [engine.command()[0] + "d", "--state", str(engine.state), "--run", str(engine.run_dir),
               "--socket", str(engine.folder / "other.sock")]
    second = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert second.returncode == 1 and "another engine uses" in second.stderr
    assert engine.out("ps", "-q") == ""


def test_in_the_background_the_socket_listens_when_the_caller_goes_on(tmp_path, own_engine):
    engine = own_engine(image=None)
    engine.stop()
    command = [engine.command()[0] + "d", "--daemon", "--state", str(engine.state), "--run", str(engine.run_dir),
               "--socket", str(engine.socket)]
    subprocess.run(command, check=True, timeout=20)
    assert engine.out("ps", "-q") == ""
    pid = int((engine.run_dir / "berthd.pid").read_text())
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not os.path.exists(f"/proc/{pid}"))
    again = subprocess.run(command + ["--store-mode", "nonsense"], capture_output=True, text=True, timeout=20)
    assert again.returncode == 1 and "nonsense" in again.stderr
