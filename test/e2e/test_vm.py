# SPDX-License-Identifier: Apache-2.0
"""Isolation vm: what only a virtual machine has, and what its guest and QEMU may do to the host."""
import fcntl
import json
import os
import pathlib
import signal
import time

import pytest

IMAGE = "busybox:latest"


@pytest.fixture
def machine(engine, name):
    """machine(*words) runs a machine in the background and gives the process id of its QEMU."""
    def call(*words, flags=()):
        engine.berth("run", "-d", "--vm", *flags, "--network", "none", "--name", name, IMAGE, *words)
        return engine.inspect(name)["State"]["Pid"]
    return call


def wait_for(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def in_time():
    """Within how many seconds an end is to be told: some 5, with patience for a busy host."""
    return 30


def state(engine, name):
    return engine.inspect(name)["State"]


@pytest.fixture
def unmoved(engine, name):
    """A container and a machine beside it, which notice nothing of what a test does to its own."""
    others = {f"{name}-{kind}": flags for kind, flags in (("container", []), ("machine", ["--vm"]))}
    for other, flags in others.items():
        engine.berth("run", "-d", *flags, "--network", "none", "--name", other, IMAGE, "sleep", "1000")
    before = {other: state(engine, other)["Pid"] for other in others}
    yield
    for other, pid in before.items():
        assert engine.out("exec", other, "echo", "here") == "here"
        assert state(engine, other)["Pid"] == pid
    engine.berth("rm", "-f", *others)


def test_the_kernel_is_the_guests_and_the_files_are_the_images(engine):
    def seen(*flags):
        return engine.out("run", "--rm", *flags, "--network", "none", IMAGE, "sh", "-c", "uname -r; md5sum /bin/busybox").splitlines()
    host, guest = seen(), seen("--vm")
    assert host[0] == os.uname().release and guest[0] != host[0]
    assert guest[1] == host[1]


def test_isolation_vm_is_a_runtime_and_an_isolation_of_dockers(engine):
    for flags in (["--isolation=vm"], ["--runtime=vm"]):
        assert engine.out("run", "--rm", *flags, "--network", "none", IMAGE, "uname", "-r") != os.uname().release


def test_a_restart_keeps_the_files_and_a_pause_the_clock(engine, name, machine):
    machine("sh", "-c", "echo x >> /data; trap 'exit 0' TERM; while :; do sleep 0.05; done")
    def data():
        return engine.berth("exec", name, "cat", "/data", check=False).stdout.split()
    wait_for(lambda: data() == ["x"], 20)
    engine.berth("restart", name)
    wait_for(lambda: data() == ["x", "x"], 20)
    engine.berth("pause", name)
    time.sleep(2)
    engine.berth("unpause", name)
    wait_for(lambda: abs(int(engine.out("exec", name, "date", "+%s")) - time.time()) <= 2, 10)


def test_a_killed_qemu_is_told_as_such(engine, name, machine, unmoved):
    os.kill(machine("sleep", "1000"), signal.SIGKILL)
    wait_for(lambda: state(engine, name)["Status"] == "exited", in_time())
    assert "QEMU was ended by signal 9" in state(engine, name)["Error"]
    engine.berth("stop", name)
    engine.berth("rm", name)


def test_a_silent_guest_is_told_as_such(engine, name, machine, unmoved):
    os.kill(machine("sleep", "1000"), signal.SIGSTOP)
    wait_for(lambda: state(engine, name)["Status"] == "exited", in_time())
    assert "silent" in state(engine, name)["Error"]
    engine.berth("stop", name)
    engine.berth("rm", name)


def test_a_panic_of_the_guests_kernel_is_told_as_such(engine, name, machine, unmoved):
    machine("sh", "-c", "echo c > /proc/sysrq-trigger", flags=["--privileged"])
    wait_for(lambda: state(engine, name)["Status"] == "exited", in_time())
    assert "the guest's kernel panicked" in state(engine, name)["Error"]
    engine.berth("stop", name)
    engine.berth("rm", name)


@pytest.mark.parametrize("flags", [["-m", "24m"], []], ids=["its limit", "its machine"])
def test_a_guest_out_of_memory_is_told_as_such(engine, name, machine, unmoved, flags):
    machine("tail", "/dev/zero", flags=flags)
    wait_for(lambda: state(engine, name)["Status"] == "exited", 60)
    assert state(engine, name)["OOMKilled"] and state(engine, name)["ExitCode"] == 137
    engine.berth("rm", name)


def test_a_fork_bomb_in_a_machine_is_no_silence_and_ends(engine, name, machine, unmoved):
    """The guest's first process answers the host whatever the workload does to its processors."""
    machine("sh", "-c", "bomb() { bomb | bomb & }; bomb; sleep 1000")
    time.sleep(6)
    assert state(engine, name)["Status"] == "running", state(engine, name)
    engine.berth("stop", "-t", "1", name)
    engine.berth("rm", name)


def test_the_size_of_the_writable_disk_is_a_limit(engine):
    done = engine.berth("run", "--rm", "--vm", "--network", "none", "--storage-opt", "size=32m", IMAGE, "dd", "if=/dev/zero",
                        "of=/big", "bs=1M", "count=64", check=False)
    assert done.returncode != 0 and "No space left" in done.stderr


def test_two_machines_never_write_to_one_disk(engine, name):
    engine.berth("run", "--vm", "--network", "none", "--name", name, IMAGE, "true")
    disk = engine.state / "instances" / engine.inspect(name)["Id"] / "writable.ext4"
    with open(disk, "rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        for words in (["start", name], ["diff", name]):
            assert "another machine still uses the writable disk" in engine.berth(*words, check=False).stderr
    engine.berth("start", "-a", name)


def test_a_folder_of_the_host_is_refused_by_name(engine, tmp_path):
    done = engine.berth("run", "--rm", "--vm", "--network", "none", "-v", f"{tmp_path}:/data", IMAGE, "true", check=False)
    assert done.returncode == 125 and "/data" in done.stderr and "isolation vm" in done.stderr


def test_machines_survive_a_killed_engine_and_leave_nothing(own_engine):
    engine = own_engine()
    engine.berth("run", "-d", "--vm", "--network", "none", "--name", "keep", IMAGE, "sleep", "1000")
    engine.kill()
    engine.start()
    assert engine.out("exec", "keep", "echo", "works") == "works"
    cgroup = json.loads(engine.out("inspect", "keep"))[0]["Id"]
    engine.berth("rm", "-f", "keep")
    assert not list(pathlib.Path("/sys/fs/cgroup").glob(f"*/berth/{cgroup}"))
