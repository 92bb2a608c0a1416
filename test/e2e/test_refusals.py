# SPDX-License-Identifier: Apache-2.0
"""What is asked for and cannot be had is refused by name, by both command lines; its benign twin is served."""
import pathlib
import subprocess

import pytest

IMAGE = "busybox:latest"

REFUSED = [
    (["-p", "8080:80"], "publishing port 80/tcp"),
    (["-P"], "publishing all ports"),
    (["--network", "bridge"], "network bridge"),
    (["--network", "mine"], "network mine"),
    (["--ip", "10.0.0.2"], "IPAMConfig"),
    (["--network-alias", "web"], "liases"),
    (["--mac-address", "02:42:ac:11:00:02"], "MacAddress"),
    (["--link", "other"], "Links"),
    (["-v", "data:/data"], "volume at /data"),
    (["-v", "/data"], "volume at /data"),
    (["--mount", "type=volume,dst=/data"], "volume at /data"),
    (["--volumes-from", "other"], "VolumesFrom"),
    (["--health-cmd", "true"], "health check"),
    (["--ipc", "container:other"], "IPC namespace"),
    (["--cgroup-parent", "/other"], "CgroupParent"),
    (["--device-read-bps", "/dev/vda:1m"], "BlkioDeviceReadBps"),
    (["--cpus", "100000"], "CPUs available"),
    (["--runtime", "runc"], "runtime name: runc"),
    (["--pid", "container:no-such"], "No such container: no-such"),
    (["--network", "container:no-such"], "No such container: no-such"),
]

SERVED = [
    ["--expose", "80"], ["--network", "none"], ["--network", "host"], ["--no-healthcheck"], ["--ipc", "host"],
    ["--ipc", "shareable"], ["--pid", "host"], ["--uts", "host"], ["--cpus", "0.5"], ["--runtime", "container"],
    ["--ulimit", "nofile=99:100"], ["--sysctl", "net.ipv4.ip_forward=1"], ["--shm-size", "1m"], ["--group-add", "7"],
    ["--oom-score-adj", "5"], ["--annotation", "a=b"], ["--device", "/dev/full"], ["--log-opt", "max-size=1m"],
    ["--pull", "never"], ["--stop-timeout", "1"], ["--add-host", "a:10.0.0.1"], ["--cgroupns", "host"],
]


def docker(engine, *words):
    return subprocess.run(["docker", "-H", engine.host, *words], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("flags,named", REFUSED, ids=lambda x: " ".join(x) if isinstance(x, list) else "")
def test_what_cannot_be_had_is_named(engine, flags, named):
    before = engine.out("ps", "-aq")
    done = engine.berth("run", "--rm", *flags, IMAGE, "true", check=False)
    assert done.returncode == 125 and named in done.stderr, done.stderr
    done = docker(engine, "run", "--rm", *flags, IMAGE, "true")
    assert done.returncode != 0 and named in done.stderr, done.stderr
    assert engine.out("ps", "-aq") == before


@pytest.mark.parametrize("flags", SERVED, ids=" ".join)
def test_what_can_be_had_is_served(engine, flags):
    engine.berth("run", "--rm", *flags, IMAGE, "true")


def test_lists_of_what_there_is_not_are_empty(engine):
    assert docker(engine, "volume", "ls", "-q").stdout == ""
    assert docker(engine, "network", "ls", "--format", "{{.Name}}").stdout.split() == ["host", "none"]
    assert "no such volume" in docker(engine, "volume", "inspect", "data").stderr
    for noun in "volume", "network":
        made = docker(engine, noun, "create", "mine")
        assert made.returncode == 1 and "has no" in made.stderr
    pruned = docker(engine, "system", "prune", "-f", "--filter", "label=no-such")
    assert pruned.returncode == 0 and "Total reclaimed space: 0B" in pruned.stdout


def test_swappiness_is_set_where_the_host_has_it_and_refused_elsewhere(engine):
    words = ["run", "--rm", "-m", "64m", "--memory-swappiness", "5", IMAGE, "cat", "/sys/fs/cgroup/memory/memory.swappiness"]
    if pathlib.Path("/sys/fs/cgroup/cgroup.controllers").exists():
        assert "swappiness" in engine.berth(*words, check=False).stderr
    else:
        assert engine.out(*words) == "5"
