# SPDX-License-Identifier: Apache-2.0
"""Class P of the security checks: what a running QEMU holds, read from /proc, and what an end of it leaves."""
import fcntl
import os
import pathlib
import random
import signal
import stat
import time

import ledger
import pytest

IMAGE = "busybox:latest"
ROUNDS = int(os.environ.get("BERTH_KILL_ROUNDS", "4"))
ACCESS_MODE = 3
F_GET_SEALS = 1034
SEAL_WRITE = 8


@pytest.fixture
def start(engine, name):
    """start(*words) runs a machine and gives its name and the process id of its QEMU."""
    count = 0

    def call(*words, flags=()):
        nonlocal count
        count += 1
        engine.berth("run", "-d", "--vm", *flags, "--network", "none", "--name", f"{name}-{count}", IMAGE,
                     *(words or ["sleep", "1000"]))
        return f"{name}-{count}", engine.inspect(f"{name}-{count}")["State"]["Pid"]
    return call


def status_of(pid):
    return dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)


def qemus_of(engine):
    """Every QEMU of the engine: those of instances, and those that wait for one."""
    return [pid for pid, words in ledger.processes_of(engine).items() if words.startswith("/usr/bin/qemu-system")]


def files_of(pid):
    """(descriptor, target, flags) of each open file."""
    found = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        info = pathlib.Path(f"/proc/{pid}/fdinfo/{fd}").read_text()
        flags = next(int(line.split()[1], 8) for line in info.splitlines() if line.startswith("flags:"))
        found.append((fd, os.readlink(f"/proc/{pid}/fd/{fd}"), flags))
    return found


def test_p1_every_qemu_is_nobody_with_nothing(engine, start):
    start()
    time.sleep(0.1)
    pids = qemus_of(engine)
    assert pids
    for pid in pids:
        status = status_of(pid)
        users = set(status["Uid"].split() + status["Gid"].split())
        assert len(users) == 1 and int(users.pop()) >= 0x6f000000
        assert status["Groups"].strip() == ""
        assert all(int(status[key], 16) == 0 for key in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"))
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
        assert pathlib.Path(f"/proc/{pid}/environ").read_bytes() == b""
        assert os.readlink(f"/proc/{pid}/cwd") == "/"


def test_p1_two_machines_are_two_users(start):
    assert status_of(start()[1])["Uid"] != status_of(start()[1])["Uid"]


def test_p1_its_namespaces_are_its_own(start):
    (_, one), (_, two) = start(), start()
    for space in ("mnt", "pid", "net", "ipc", "uts", "cgroup"):
        outside = {os.readlink(f"/proc/{pid}/ns/{space}") for pid in (ledger.keeper_of(one), "self")}
        inside = {os.readlink(f"/proc/{pid}/ns/{space}") for pid in (one, two)}
        assert len(inside) == 2 and not inside & outside, space
    devices = pathlib.Path(f"/proc/{one}/net/dev").read_text().splitlines()[2:]
    assert [line.split(":")[0].strip() for line in devices] == ["lo"]


def test_p1_its_root_is_empty_but_for_what_executes_it(start):
    _, pid = start()
    mounts = {line.split()[4]: line.split()[5].split(",")
              for line in pathlib.Path(f"/proc/{pid}/mountinfo").read_text().splitlines()}
    assert set(mounts) <= {"/", "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/proc", "/dev/null", "/dev/kvm"}
    for target, options in mounts.items():
        assert "nosuid" in options
        assert "ro" in options or target.startswith(("/proc", "/dev")), target
    root = pathlib.Path(f"/proc/{pid}/root")
    assert sorted(os.listdir(root / "etc")) in ([], ["ld.so.cache"])
    assert set(os.listdir(root / "dev")) <= {"null", "kvm"}
    assert set(os.listdir(root)) <= {"usr", "lib", "lib64", "bin", "sbin", "etc", "dev", "proc"}


def test_p1_it_holds_its_disks_and_sockets_and_nothing_else(engine, start):
    _, pid = start()
    for fd, target, flags in files_of(pid):
        writable = flags & ACCESS_MODE != os.O_RDONLY
        if target.startswith(("socket:", "pipe:", "anon_inode:")) or target in ("/dev/null", "/null"):
            continue
        if "/memfd:berth-template" in target:
            # QEMU wants it open for writing; the seal is what keeps it as it is
            with open(f"/proc/{pid}/fd/{fd}", "rb") as f:
                assert fcntl.fcntl(f, F_GET_SEALS) & SEAL_WRITE
        elif "/memfd:" in target or "/blobs/" in target or "/layers/" in target:
            assert not writable, target
        else:
            assert target.endswith("writable.ext4"), target


def test_p1_its_limits_are_low(engine, start):
    _, pid = start()
    limits = {line[:26].strip(): line[26:].split()[:2]
              for line in pathlib.Path(f"/proc/{pid}/limits").read_text().splitlines()[1:]}
    for limit, most in (("Max core file size", 0), ("Max open files", 1024), ("Max processes", 256), ("Max msgqueue size", 0)):
        assert all(value != "unlimited" and int(value) <= most for value in limits[limit]), limit


def groups_of(pid):
    """controller -> folder of the group, for both versions."""
    found = {}
    for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        for name in names.split(","):
            folder = ledger.CGROUPS / (name or ".") / path.lstrip("/")
            if folder.exists():
                found[name or "unified"] = folder
    return found


def test_p1_memory_and_processors_are_limited_by_its_group(engine, start):
    name, pid = start(flags=["-m", "300m", "--cpus", "0.5"])
    identifier = engine.inspect(name)["Id"]
    groups = groups_of(pid)
    memory = groups.get("memory", groups.get("unified"))
    processors = groups.get("cpu", groups.get("unified"))
    assert memory.name == identifier and processors.name == identifier
    most = next((memory / f for f in ("memory.max", "memory.limit_in_bytes") if (memory / f).exists()))
    assert int(most.read_text()) < 1 << 30
    if (processors / "cpu.max").exists():
        quota, period = map(int, (processors / "cpu.max").read_text().split())
    else:
        quota, period = (int((processors / f"cpu.cfs_{f}_us").read_text()) for f in ("quota", "period"))
    assert quota / period == 0.5


def test_p1_no_default_device_is_in_the_machine(engine, start):
    name, pid = start(flags=["--privileged"])
    words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    assert "-nodefaults" in words and "-no-user-config" in words
    assert "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny" in words
    assert not {"-net", "-nic", "-netdev", "-usb", "-vga", "-monitor", "-gdb", "-vnc"} & set(words)
    seen = engine.out("exec", name, "sh", "-c",
                      "cat /sys/bus/virtio/devices/*/device | sort; ls /sys/bus/pci/devices /sys/bus/usb/devices 2>/dev/null; "
                      "ls /sys/class/net").split()
    # two disks, one console; no bus of any other kind
    assert [word for word in seen if word.startswith("0x")] == ["0x0002", "0x0002", "0x0003"]
    assert [word for word in seen if not word.startswith("0x") and not word.endswith(":")] == ["lo"]


def test_p4_a_console_without_end_is_kept_bounded(engine, start):
    name, pid = start("sh", "-c", "mknod /c c 5 1; yes 'all work and no play' > /c", flags=["--privileged"])
    keeper = ledger.keeper_of(pid)
    for _ in range(20):
        assert engine.out("exec", name, "echo", "here") == "here"
        assert ledger.resident_kib(keeper) < 8192
    files = list((engine.state / "instances").rglob("*"))
    assert sum(f.lstat().st_blocks * 512 for f in files if stat.S_ISREG(f.lstat().st_mode) and f.suffix != ".ext4") < 1 << 20


def test_p4_a_log_without_end_keeps_to_its_size(engine, start):
    name, _ = start("sh", "-c", "dd if=/dev/zero bs=64k count=160 | tr '\\0' x | fold -w 1000; echo; echo end; sleep 1000",
                    flags=["--log-opt", "max-size=200k", "--log-opt", "max-file=2"])
    deadline = time.monotonic() + 60
    while "end" not in engine.out("logs", "--tail", "1", name):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    folder = next((engine.state / "instances").glob(engine.inspect(name)["Id"] + "*"))
    logs = [f for f in folder.rglob("*") if "log" in f.name and f.is_file()]
    assert logs and sum(f.stat().st_size for f in logs) < 500_000


def test_p5_an_end_of_qemu_at_any_time_is_told_rightly_and_leaves_nothing(engine, name):
    # spares come and go on their own: they are no part of what is compared
    chance = random.Random(5)
    for number in range(ROUNDS):
        engine.berth("run", "-d", "--vm", "--network", "none", "--name", name, IMAGE, "sh", "-c", "while :; do echo x; done")
        shown = engine.inspect(name)
        time.sleep(chance.random() / 2)
        os.kill(shown["State"]["Pid"], signal.SIGKILL)
        deadline = time.monotonic() + 30
        while (state := engine.inspect(name)["State"])["Status"] == "running":
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert state["ExitCode"] == 137 and "QEMU was ended by signal 9" in state["Error"]
        assert not pathlib.Path(f"/proc/{shown['State']['Pid']}").exists()
        assert ledger.cgroups_of([shown["Id"]]) == []
        engine.berth("rm", name)


@pytest.mark.parametrize("verb", [["exec", "NAME", "true"], ["pause", "NAME"], ["stop", "-t", "1", "NAME"], ["kill", "NAME"], ["rm", "-f", "NAME"]],
                         ids=lambda verb: verb[0])
def test_p5_a_qemu_that_stands_still_holds_up_no_verb(engine, start, verb):
    name, pid = start()
    os.kill(pid, signal.SIGSTOP)
    done = engine.berth(*[name if word == "NAME" else word for word in verb], check=False, timeout=60)
    assert (done.returncode == 0) == (verb[0] in ("stop", "kill", "rm")), done.stderr
    if verb[0] != "rm":
        deadline = time.monotonic() + 30
        while engine.inspect(name)["State"]["Status"] != "exited":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        engine.berth("rm", name)


def test_p6_two_machines_share_nothing_that_one_of_them_could_change(engine, start):
    (_, one), (_, two) = start(), start()

    def writable(pid):
        found = {}
        for fd, target, flags in files_of(pid):
            if flags & ACCESS_MODE != os.O_RDONLY and not target.startswith("anon_inode:"):
                seen = os.stat(f"/proc/{pid}/fd/{fd}")
                found[seen.st_dev, seen.st_ino] = target
        return found
    first, second = writable(one), writable(two)
    shared = {first[key] for key in first.keys() & second.keys()}
    assert all("/memfd:berth-template" in target or target.endswith("/null") for target in shared), shared
    for pid in (one, two):
        flags = [line for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines() if line.startswith("VmFlags:")]
        assert flags and not any(" mg" in line for line in flags), "memory may be merged with another machine's"
