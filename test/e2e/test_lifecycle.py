# SPDX-License-Identifier: Apache-2.0
"""create, start, ps, logs, exec, stop, kill, wait, rm, inspect."""
import json
import subprocess
import threading
import time

import pytest

IMAGE = "busybox:latest"


@pytest.fixture
def running(engine, flags, name):
    """A container that says when it gets SIGTERM, under NAME."""
    engine.berth("run", "-d", *flags, "--name", name, "--label", "tier=test", IMAGE, "sh", "-c",
                 "trap 'echo bye; exit 3' TERM; echo one; echo two >&2; while :; do sleep 0.05; done")
    wait_for(lambda: "one" in engine.out("logs", name))
    return name


def wait_for(condition, seconds=15):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_create_then_start_runs_and_start_again_does_nothing(engine, flags, name):
    identifier = engine.out("create", *flags, "--name", name, IMAGE, "sh", "-c", "echo hello; exit 4")
    assert engine.inspect(name)["State"]["Status"] == "created"
    done = engine.berth("start", "-a", name, check=False)
    assert (done.stdout, done.returncode) == ("hello\n", 4)
    assert engine.inspect(identifier[:12])["State"]["Status"] == "exited"
    assert engine.berth("start", "-a", name, check=False).stdout == "hello\n"


def test_ps_lists_and_filters(engine, running, name):
    row = json.loads(engine.out("ps", "--filter", f"name={name}", "--format", "json"))
    assert row["Names"] == name and row["State"] == "running" and row["Image"] == IMAGE
    assert engine.out("ps", "-q", "--filter", "label=tier=test", "--filter", f"name={name}") != ""
    assert engine.out("ps", "-q", "--filter", "label=tier=other") == ""
    assert engine.out("ps", "-q", "--filter", "status=exited", "--filter", f"name={name}") == ""
    assert engine.out("ps", "--format", "{{.Names}} {{.Status}}", "--filter", f"name={name}").startswith(f"{name} Up ")
    engine.berth("stop", name)
    assert engine.out("ps", "-q", "--filter", f"name={name}") == ""
    assert engine.out("ps", "-aq", "--filter", f"name={name}", "--filter", "exited=3") != ""
    assert engine.berth("ps", "--filter", "nonsense=1", check=False).returncode != 0


def test_stop_sends_the_signal_and_keeps_the_exit_code(engine, running, name):
    engine.berth("stop", name)
    state = engine.inspect(name)["State"]
    assert state["ExitCode"] == 3 and state["Status"] == "exited"
    assert engine.out("logs", name).splitlines()[-1] == "bye"
    assert engine.out("wait", name) == "3"


def test_stop_kills_what_does_not_end_in_time(engine, flags, name):
    engine.berth("run", "-d", *flags, "--name", name, IMAGE, "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done")
    wait_for(lambda: "ready" in engine.out("logs", name))
    start = time.monotonic()
    engine.berth("stop", "-t", "1", name)
    assert 0.9 < time.monotonic() - start < 8
    assert engine.inspect(name)["State"]["ExitCode"] == 137


def test_the_stop_signal_can_be_chosen(engine, flags, name):
    engine.berth("run", "-d", *flags, "--name", name, "--stop-signal", "USR1", IMAGE, "sh", "-c",
                 "trap 'exit 21' USR1; echo ready; while :; do sleep 0.05; done")
    wait_for(lambda: "ready" in engine.out("logs", name))
    engine.berth("stop", name)
    assert engine.inspect(name)["State"]["ExitCode"] == 21


def test_kill_sends_any_signal(engine, running, name):
    wait_for(lambda: "one" in engine.out("logs", name))
    engine.berth("kill", "-s", "TERM", name)
    assert engine.out("wait", name) == "3"
    assert engine.berth("kill", name, check=False).returncode != 0
    assert "is not running" in engine.berth("kill", name, check=False).stderr
    assert engine.berth("kill", "-s", "NOSUCH", name, check=False).returncode != 0


def test_wait_returns_when_the_program_ends(engine, running, name):
    result = []
    thread = threading.Thread(target=lambda: result.append(engine.out("wait", name)))
    thread.start()
    wait_for(lambda: "one" in engine.out("logs", name))
    engine.berth("kill", name)
    thread.join(20)
    assert result == ["137"]


def test_rm_refuses_what_runs_unless_forced(engine, running, name):
    done = engine.berth("rm", name, check=False)
    assert done.returncode != 0 and name in done.stderr
    assert engine.inspect(name)["State"]["Running"]
    engine.berth("rm", "-f", name)
    assert "No such" in engine.berth("inspect", name, check=False).stderr
    assert engine.berth("rm", name, check=False).returncode != 0


def test_logs_keep_the_streams_apart_and_know_their_options(engine, running, name):
    wait_for(lambda: "two" in engine.berth("logs", name).stderr)
    done = engine.berth("logs", name)
    assert (done.stdout, done.stderr) == ("one\n", "two\n")
    assert engine.berth("logs", "--tail", "0", name).stdout == ""
    stamp, text = engine.out("logs", "-t", name).splitlines()[0].split(" ", 1)
    assert text == "one" and stamp.endswith("Z") and "T" in stamp
    assert engine.berth("logs", "--since", "2099-01-01T00:00:00Z", name).stdout == ""
    assert engine.berth("logs", "--until", "2099-01-01T00:00:00Z", name).stdout == "one\n"


def test_logs_follow_until_the_end(engine, flags, name):
    engine.berth("run", "-d", *flags, "--name", name, IMAGE, "sh", "-c", "for i in 1 2 3 4 5; do echo $i; sleep 0.1; done")
    assert engine.out("logs", "-f", name).split() == ["1", "2", "3", "4", "5"]
    assert engine.out("logs", "--tail", "2", name).split() == ["4", "5"]


def test_a_long_line_is_logged_whole(engine, flags, name):
    engine.berth("run", *flags, "--name", name, IMAGE, "sh", "-c", "head -c 100000 /dev/zero | tr '\\0' x; echo; printf no-newline")
    lines = engine.berth("logs", name).stdout.split("\n")
    assert len(lines[0]) == 100000 and lines[1] == "no-newline"


def test_exec_runs_beside_with_its_own_settings(engine, running, name):
    assert engine.out("exec", name, "echo", "hi") == "hi"
    assert engine.out("exec", "-u", "app", "-w", "/srv", "-e", "X=1", name, "sh", "-c", "id -un; pwd; echo $X") == "app\n/srv\n1"
    assert engine.berth("exec", "-i", name, "cat", input="abc").stdout == "abc"
    assert engine.berth("exec", name, "sh", "-c", "exit 9", check=False).returncode == 9
    assert engine.berth("exec", name, "no-such", check=False).returncode == 127
    assert engine.berth("exec", name, "/etc/passwd", check=False).returncode == 126
    assert engine.out("exec", name, "readlink", "/proc/self/ns/pid") == engine.out("exec", name, "readlink", "/proc/1/ns/pid")


def test_exec_detached_returns_at_once(engine, running, name):
    engine.berth("exec", "-d", name, "sh", "-c", "echo done > /marker; sleep 1000")
    wait_for(lambda: engine.berth("exec", name, "cat", "/marker", check=False).stdout == "done\n")


def test_exec_has_the_sandbox_of_its_container(engine, running, name):
    def fields(*words):
        lines = engine.out(*words, "cat", "/proc/self/status").splitlines()
        return {k: v for k, v in (line.split(":\t", 1) for line in lines if ":\t" in line)
                if k.startswith("Cap") or k in ("NoNewPrivs", "Seccomp", "Uid", "Gid")}
    assert fields("exec", name) == fields("run", "--rm", IMAGE)


def test_exec_needs_a_running_container(engine, flags, name):
    engine.berth("create", *flags, "--name", name, IMAGE)
    done = engine.berth("exec", name, "true", check=False)
    assert done.returncode != 0 and "not running" in done.stderr


def test_inspect_shows_what_was_asked(engine, running, name):
    shown = engine.inspect(name)
    assert shown["Name"] == f"/{name}" and shown["Config"]["Labels"] == {"tier": "test"}
    assert shown["State"]["Pid"] > 0 and shown["State"]["StartedAt"] > "2026"
    assert shown["Config"]["Image"] == IMAGE and shown["Image"].startswith("sha256:")
    assert engine.out("inspect", "--format", "{{.State.Status}} {{json .Config.Labels}}", name) == 'running {"tier":"test"}'
    done = engine.berth("inspect", "no-such-thing", check=False)
    assert done.returncode != 0 and "no-such-thing" in done.stderr


def test_the_writable_layer_outlives_a_restart(engine, flags, name):
    engine.berth("create", *flags, "--name", name, IMAGE, "sh", "-c", "cat /count 2>/dev/null; echo x >> /count")
    assert engine.out("start", "-a", name) == ""
    assert engine.out("start", "-a", name) == "x"
    assert engine.out("start", "-a", name) == "x\nx"


def test_a_name_that_is_none_is_refused(engine, flags):
    for bad in ("../x", "a b", "-x", "a/b", ""):
        done = engine.berth("create", *flags, f"--name={bad}", IMAGE, check=False)
        if bad:
            assert done.returncode != 0, bad


def test_many_run_at_once(engine, flags):
    processes = [subprocess.Popen(engine.command("run", "--rm", *flags, IMAGE, "sh", "-c", f"echo {i}"),
                                  stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL) for i in range(20)]
    assert [p.communicate(timeout=120)[0] for p in processes] == [f"{i}\n" for i in range(20)]
    assert {p.returncode for p in processes} == {0}
