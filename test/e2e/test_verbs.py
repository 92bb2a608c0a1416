# SPDX-License-Identifier: Apache-2.0
"""The smaller verbs: top, stats, update, prune, df, rename, restart, pause, by both command lines."""
import json
import os
import subprocess
import time

import pytest

IMAGE = "busybox:latest"


@pytest.fixture
def docker(engine):
    def call(*words, check=True):
        done = subprocess.run(["docker", "-H", engine.host, *map(str, words)], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=120)
        assert not check or done.returncode == 0, (words, done.stdout, done.stderr)
        return done
    return call


def start(engine, name, *flags, script="sleep 1000"):
    engine.berth("run", "-d", "--name", name, "--network", "none", *flags, IMAGE, "sh", "-c", script)


def until(what, seconds=20):
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def group_file(engine, name, v1, v2):
    """A limit of an instance's control group, whichever version the host has."""
    identifier = engine.inspect(name)["Id"]
    unified = os.path.exists("/sys/fs/cgroup/cgroup.controllers")
    controller, file = v1
    path = f"/sys/fs/cgroup/berth/{identifier}/{v2}" if unified else f"/sys/fs/cgroup/{controller}/berth/{identifier}/{file}"
    with open(path) as f:
        return f.read().strip()


def memory_limit(engine, name):
    return int(group_file(engine, name, ("memory", "memory.limit_in_bytes"), "memory.max"))


# ---- Top ----------------------------------------------------------------------------------------------------

def test_top_lists_the_processes_with_ids_of_the_host(engine, docker, name):
    start(engine, name, script="sleep 999 & exec sleep 1000")
    until(lambda: len(docker("top", name).stdout.splitlines()) == 3)
    lines = docker("top", name).stdout.splitlines()
    assert lines[0].split() == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    assert sorted(line.split()[-1] for line in lines[1:]) == ["1000", "999"]
    assert engine.inspect(name)["State"]["Pid"] in [int(line.split()[1]) for line in lines[1:]]
    assert engine.out("top", name, "-o", "pid,args").splitlines()[0].split() == ["PID", "COMMAND"]
    assert docker("top", name, "aux").stdout.split()[0] == "USER"
    assert "only -ef" in docker("top", name, "--sort=pid", check=False).stderr
    engine.berth("stop", "-t", "0", name)
    assert "is not running" in docker("top", name, check=False).stderr


def test_top_shows_no_control_characters_of_a_command_line(engine, name):
    start(engine, name, script="exec sh -c 'sleep 1000; :' \"$(printf 'a\\033[31mb')\"")
    until(lambda: "a?[31mb" in engine.out("top", name))
    assert "\033" not in engine.out("top", name)


# ---- Stats --------------------------------------------------------------------------------------------------

def test_stats_tell_what_an_instance_uses(engine, docker, name):
    start(engine, name, "-m", "64m", "--pids-limit", "20", script="sleep 999 & while :; do :; done")
    row = json.loads(docker("stats", "--no-stream", "--format", "{{json .}}", name).stdout)
    assert row["Name"] == name and row["MemUsage"].endswith("64MiB") and row["PIDs"] == "2"
    assert float(row["CPUPerc"].rstrip("%")) > 1
    assert "64MiB" in engine.out("stats", "--no-stream", name)


def test_a_stream_of_stats_ends_with_its_client_and_with_the_instance(engine, docker, name):
    start(engine, name)
    streaming = subprocess.Popen(["docker", "-H", engine.host, "stats", name], stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, text=True)
    try:
        assert name in "".join(streaming.stdout.readline() for _ in range(2)) + streaming.stdout.readline()
    finally:
        streaming.kill()
        streaming.wait(10)
    engine.berth("rm", "-f", name)
    assert "No such container" in docker("stats", "--no-stream", name, check=False).stderr


# ---- Update -------------------------------------------------------------------------------------------------

def test_limits_of_a_running_instance_are_changed_and_kept(engine, docker, name):
    start(engine, name, "-m", "64m")
    engine.berth("update", "-m", "128m", "--memory-swap", "256m", "--pids-limit", "33", "--cpus", "0.5", name)
    assert memory_limit(engine, name) == 128 << 20
    assert group_file(engine, name, ("pids", "pids.max"), "pids.max") == "33"
    docker("update", "--memory", "96m", "--memory-swap", "200m", name)
    assert memory_limit(engine, name) == 96 << 20
    host = engine.inspect(name)["HostConfig"]
    assert (host["Memory"], host["PidsLimit"], host["NanoCpus"]) == (96 << 20, 33, 500000000)
    engine.berth("restart", "-t", "0", name)
    assert memory_limit(engine, name) == 96 << 20


def test_restart_policy_and_labels_are_changed_without_a_restart(engine, docker, name):
    start(engine, name, "-l", "old=1")
    pid = engine.inspect(name)["State"]["Pid"]
    docker("update", "--restart", "on-failure:3", name)
    engine.berth("update", "-l", "new=2", name)
    seen = engine.inspect(name)
    assert seen["HostConfig"]["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}
    assert seen["Config"]["Labels"] == {"old": "1", "new": "2"} and seen["State"]["Pid"] == pid
    assert name in engine.out("ps", "--filter", "label=new=2")


def test_what_was_updated_survives_the_engine(own_engine):
    engine = own_engine()
    engine.berth("create", "--name", "kept", IMAGE, "true")
    engine.berth("update", "-m", "64m", "-l", "a=b", "kept")
    engine.kill()
    engine.start()
    seen = engine.inspect("kept")
    assert seen["HostConfig"]["Memory"] == 64 << 20 and seen["Config"]["Labels"] == {"a": "b"}


def test_a_wrong_update_changes_nothing(engine, docker, name):
    start(engine, name, "-m", "64m")
    assert engine.berth("update", "-m", "1k", name, check=False).returncode != 0
    assert docker("update", "--restart", "sometimes", name, check=False).returncode != 0
    assert memory_limit(engine, name) == 64 << 20 and engine.inspect(name)["HostConfig"]["Memory"] == 64 << 20


# ---- The rest -----------------------------------------------------------------------------------------------

def test_prune_removes_what_has_ended_and_tells_how_much(own_engine):
    engine = own_engine()
    engine.berth("run", "--name", "ended", IMAGE, "sh", "-c", "dd if=/dev/zero of=/big bs=1000 count=5 2>/dev/null")
    engine.berth("run", "-d", "--name", "running", IMAGE, "sleep", "1000")
    done = subprocess.run(["docker", "-H", engine.host, "container", "prune", "-f"], capture_output=True, text=True,
                          timeout=60)
    assert "5kB" in done.stdout, done
    assert engine.out("ps", "-a", "--format", "{{.Names}}") == "running"
    assert engine.out("container", "prune", "-f").endswith("0B")


def test_df_counts_images_and_instances(engine, docker, name):
    engine.berth("run", "--name", name, IMAGE, "sh", "-c", "dd if=/dev/zero of=/big bs=1000 count=7 2>/dev/null")
    lines = {line.split("  ")[0]: line for line in docker("system", "df").stdout.splitlines()}
    assert "Images" in lines and "kB" in lines["Containers"]
    assert "Containers" in engine.out("system", "df")
    assert name in docker("system", "df", "-v").stdout


def test_rename_restart_and_pause(engine, docker, name):
    start(engine, name)
    docker("rename", name, name + "-new")
    assert docker("inspect", name, check=False).returncode != 0
    name += "-new"
    pid = engine.inspect(name)["State"]["Pid"]
    docker("restart", "-t", "0", name)
    assert engine.inspect(name)["State"]["Pid"] not in (0, pid)
    docker("pause", name)
    assert engine.inspect(name)["State"]["Status"] == "paused"
    assert "is paused" in docker("exec", name, "true", check=False).stderr
    assert len(docker("top", name).stdout.splitlines()) == 2
    engine.berth("unpause", name)
    assert docker("exec", name, "echo", "again").stdout == "again\n"
    assert engine.berth("unpause", name, check=False).returncode != 0


def test_events_tell_of_these_verbs(engine, name):
    since = str(time.time() - 1)
    start(engine, name)
    for words in (["pause", name], ["unpause", name], ["rename", name, name + "-b"], ["update", "-l", "x=y", name + "-b"],
                  ["commit", name + "-b", f"{name}:made"], ["stop", "-t", "0", name + "-b"]):
        engine.berth(*words)
    out = engine.out("events", "--since", since, "--until", str(time.time() + 1), "--filter", "type=container",
                     "--format", "{{.Action}} {{.Actor.Attributes.name}}")
    actions = [line.split()[0] for line in out.splitlines() if name in line]
    for action in ("create", "start", "pause", "unpause", "rename", "update", "commit", "die", "stop"):
        assert action in actions, out
    engine.berth("rmi", "-f", f"{name}:made")
