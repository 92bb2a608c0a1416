# SPDX-License-Identifier: Apache-2.0
"""Containers in the namespaces of another one, or of the host."""
import os

import pytest

IMAGE = "busybox:latest"


@pytest.fixture
def donor(engine, name):
    engine.berth("run", "-d", "--name", name, "--network", "none", IMAGE, "sleep", "1000")
    return name


def namespaces_of(engine, name, kind):
    return os.readlink(f"/proc/{engine.inspect(name)['State']['Pid']}/ns/{kind}")


def test_a_network_is_shared(engine, donor, name):
    engine.berth("run", "-d", "--name", f"{name}-2", "--network", f"container:{donor}", IMAGE, "nc", "-l", "-p", "99")
    assert namespaces_of(engine, donor, "net") == namespaces_of(engine, f"{name}-2", "net")
    assert namespaces_of(engine, donor, "pid") != namespaces_of(engine, f"{name}-2", "pid")
    wait = "until netstat -ltn | grep -q :99; do sleep 0.05; done"
    engine.berth("exec", donor, "sh", "-c", wait)
    assert engine.out("exec", f"{name}-2", "ls", "/sys/class/net") == "lo"


def test_processes_are_shared_but_not_the_rights_over_them(engine, donor, name):
    seen = engine.out("run", "--rm", "--pid", f"container:{donor}", IMAGE, "ps")
    assert "sleep 1000" in seen
    engine.berth("run", "-d", "--name", f"{name}-2", "--pid", f"container:{donor}", IMAGE, "sleep", "2000")
    assert "sleep 2000" in engine.out("exec", donor, "ps")
    assert "sleep 1000" in engine.out("exec", f"{name}-2", "ps")
    # another container's root is a stranger to this one's processes
    assert engine.berth("exec", f"{name}-2", "kill", "1", check=False).returncode != 0
    assert engine.berth("exec", f"{name}-2", "sh", "-c", "echo x > /proc/sys/kernel/core_pattern",
                        check=False).returncode != 0
    engine.berth("rm", "-f", f"{name}-2")
    assert engine.inspect(donor)["State"]["Running"] and "sleep 2000" not in engine.out("exec", donor, "ps")


def test_what_stays_behind_in_a_shared_pid_namespace_is_ended(engine, donor, name):
    engine.berth("run", "--name", f"{name}-2", "--pid", f"container:{donor}", IMAGE, "sh", "-c", "sleep 3000 & exit 4",
                 check=False)
    assert engine.out("wait", f"{name}-2") == "4"
    assert "sleep 3000" not in engine.out("exec", donor, "ps")


def test_the_end_of_the_donor_is_the_end_of_who_shares_its_processes(engine, donor, name):
    engine.berth("run", "-d", "--name", f"{name}-2", "--pid", f"container:{donor}", IMAGE, "sleep", "2000")
    engine.berth("rm", "-f", donor)
    assert engine.out("wait", f"{name}-2", timeout=30) == "137"


@pytest.mark.parametrize("kind", ["network", "pid"])
def test_one_that_does_not_run_can_not_be_joined(engine, donor, name, kind):
    engine.berth("stop", "-t", "0", donor)
    done = engine.berth("run", "--rm", f"--{kind}", f"container:{donor}", IMAGE, "true", check=False)
    assert done.returncode == 125 and f"non running container: {donor}" in done.stderr
    engine.berth("start", donor)
    engine.berth("run", "--rm", f"--{kind}", f"container:{donor}", IMAGE, "true")


def test_the_hosts_processes_are_seen_and_masked_files_stay_masked(engine):
    out = engine.out("run", "--rm", "--network", "none", "--pid", "host", IMAGE, "sh", "-c",
                     f"cat /proc/{engine.process.pid}/comm; wc -c < /proc/keys; "
                     f"kill -0 {engine.process.pid} || echo refused").split("\n")
    assert out == ["berthd", "0", "refused"]
