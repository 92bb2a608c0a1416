# SPDX-License-Identifier: Apache-2.0
"""Isolation vm: what only a virtual machine has, and what its guest and QEMU may do to the host."""
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


def state(engine, name):
    return engine.inspect(name)["State"]


def test_the_kernel_is_the_guests_and_the_files_are_the_images(engine):
    def seen(*flags):
        return engine.out("run", "--rm", *flags, "--network", "none", IMAGE, "sh", "-c", "uname -r; md5sum /bin/busybox").splitlines()
    host, guest = seen(), seen("--vm")
    assert host[0] == os.uname().release and guest[0] != host[0]
    assert guest[1] == host[1]


def test_isolation_vm_is_a_runtime_and_an_isolation_of_dockers(engine):
    for flags in (["--isolation=vm"], ["--runtime=vm"]):
        assert engine.out("run", "--rm", *flags, "--network", "none", IMAGE, "uname", "-r") != os.uname().release


def test_clones_differ_in_what_must_differ(engine):
    command = "cat /proc/sys/kernel/random/boot_id; head -c 16 /dev/urandom | md5sum; date +%s"
    seen = [engine.out("run", "--rm", "--vm", "--network", "none", IMAGE, "sh", "-c", command).split() for _ in range(6)]
    assert len({s[0] for s in seen}) == 6 and len({s[1] for s in seen}) == 6
    assert abs(int(seen[-1][-1]) - time.time()) < 10


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


def test_qemu_is_locked_in(machine):
    pid = machine("sleep", "1000")
    proc = pathlib.Path(f"/proc/{pid}")
    status = dict(line.split(":\t", 1) for line in (proc / "status").read_text().splitlines() if ":\t" in line)
    assert int(status["Uid"].split()[0]) >= 0x6f000000 and status["Groups"].strip() == ""
    assert all(int(status[key], 16) == 0 for key in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"))
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    for space in ("mnt", "pid", "net", "ipc", "uts", "cgroup"):
        assert os.readlink(proc / "ns" / space) != os.readlink(f"/proc/self/ns/{space}"), space
    mounts = {line.split()[4]: line.split()[5].split(",") for line in (proc / "mountinfo").read_text().splitlines()}
    assert set(mounts) <= {"/", "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/proc", "/dev/null", "/dev/kvm"}
    assert all("ro" in options for target, options in mounts.items() if not target.startswith(("/proc", "/dev")))
    for fd in (proc / "fd").iterdir():
        target = os.readlink(fd)
        assert not target.startswith("/") or "/blobs/" in target or "/layers/" in target or target in ("/dev/null", "/null") \
            or target.endswith("writable.ext4") or "/memfd:" in target, target


def test_a_killed_qemu_is_told_as_such(engine, name, machine):
    os.kill(machine("sleep", "1000"), signal.SIGKILL)
    wait_for(lambda: state(engine, name)["Status"] == "exited", 5)
    assert "QEMU was ended by signal 9" in state(engine, name)["Error"]
    engine.berth("rm", name)


def test_a_silent_guest_is_told_as_such(engine, name, machine):
    os.kill(machine("sleep", "1000"), signal.SIGSTOP)
    wait_for(lambda: state(engine, name)["Status"] == "exited", 6)
    assert "silent" in state(engine, name)["Error"]


def test_a_panic_of_the_guests_kernel_is_told_as_such(engine, name, machine):
    machine("sh", "-c", "echo c > /proc/sysrq-trigger", flags=["--privileged"])
    wait_for(lambda: state(engine, name)["Status"] == "exited", 20)
    assert "the guest's kernel panicked" in state(engine, name)["Error"]


def test_a_guest_out_of_memory_is_told_as_such(engine, name, machine):
    machine("tail", "/dev/zero", flags=["-m", "24m"])
    wait_for(lambda: state(engine, name)["Status"] == "exited", 60)
    assert state(engine, name)["OOMKilled"] and state(engine, name)["ExitCode"] == 137


def test_the_size_of_the_writable_disk_is_a_limit(engine):
    done = engine.berth("run", "--rm", "--vm", "--network", "none", "--storage-opt", "size=32m", IMAGE, "dd", "if=/dev/zero",
                        "of=/big", "bs=1M", "count=64", check=False)
    assert done.returncode != 0 and "No space left" in done.stderr


def test_a_folder_of_the_host_is_refused_by_name(engine, tmp_path):
    done = engine.berth("run", "--rm", "--vm", "--network", "none", "-v", f"{tmp_path}:/data", IMAGE, "true", check=False)
    assert done.returncode == 125 and "/data" in done.stderr and "isolation vm" in done.stderr


@pytest.mark.parametrize("option, words", [("--qemu", "qemu-system-x86"), ("--guest-kernel", "./dev setup")])
def test_what_is_missing_is_named_with_what_mends_it(own_engine, tmp_path, option, words):
    engine = own_engine(option, str(tmp_path / "nothing"))
    done = engine.berth("run", "--rm", "--vm", "--network", "none", IMAGE, "true", check=False)
    assert done.returncode == 125 and words in done.stderr
    assert engine.out("run", "--rm", "--network", "none", IMAGE, "echo", "works") == "works"


def test_machines_survive_a_killed_engine_and_leave_nothing(own_engine):
    engine = own_engine()
    engine.berth("run", "-d", "--vm", "--network", "none", "--name", "keep", IMAGE, "sleep", "1000")
    engine.kill()
    engine.start()
    assert engine.out("exec", "keep", "echo", "works") == "works"
    cgroup = json.loads(engine.out("inspect", "keep"))[0]["Id"]
    engine.berth("rm", "-f", "keep")
    assert not list(pathlib.Path("/sys/fs/cgroup").glob(f"*/berth/{cgroup}"))
