# SPDX-License-Identifier: Apache-2.0
"""Classes I and J: what of the host and of the kernel can be reached from inside, against golden tables."""
import socket
import subprocess
import tarfile

import pytest

import roots
from conftest import ROOT

IMAGE = "busybox:latest"
PROBE = ["-v", f"{ROOT}/build/test/tools/probe:/probe:ro"]
FAMILIES = {1: "ok", 2: "ok", 10: "ok", 16: "ok"}
NOT_EPERM = {"clone3": "ENOSYS", "unknown-599": "ENOSYS", "x32-getpid": "ENOSYS", "x32-mount": "ENOSYS",
             "TIOCGWINSZ": "ENOTTY", "i386-socketcall": "ENOSYS"}
FIND = ("find {} -type f 2>/dev/null | while read -r f; do case $f in {}) continue;; esac;"
        " (: >> $f) 2>/dev/null && echo $f; done; true")


def probe(engine, what, *words, image=IMAGE):
    lines = engine.out("run", "--rm", *PROBE, *words, image, "/probe", what).splitlines()
    return dict(line.rsplit(" ", 1) for line in lines)


def test_J1_only_the_allowed_families_of_sockets_exist_whatever_the_high_bits_say(engine):
    answers = probe(engine, "families")
    assert len(answers) == 64 * 3
    wrong = {key: answer for key, answer in answers.items()
             if answer != FAMILIES.get(int(key.split("+")[0]), "EAFNOSUPPORT")}
    assert wrong == {}


def test_J1_no_dangerous_call_gets_through(engine):
    answers = probe(engine, "calls")
    assert len(answers) >= 45
    assert {key: answer for key, answer in answers.items() if answer != NOT_EPERM.get(key, "EPERM")} == {}


def test_J1_twin_what_is_asked_for_is_let_through(engine):
    assert probe(engine, "families", "--cap-add", "NET_RAW")["17+0"] != "EAFNOSUPPORT"
    open_answers = probe(engine, "calls", "--security-opt", "seccomp=unconfined")
    assert open_answers["clone3"] == "EINVAL" and open_answers["keyctl"] != "EPERM"
    assert open_answers["unshare-newuser"] in ("ok", "EPERM", "ENOSPC")


def test_J1_an_exec_is_under_the_same_filter(engine, name):
    engine.berth("run", "-d", "--name", name, *PROBE, IMAGE, "sleep", "1000")
    for what, count in (("calls", 45), ("families", 192)):
        inside = engine.out("exec", name, "/probe", what).splitlines()
        assert len(inside) >= count
        # the first process is the exec's sibling, which it may trace
        assert [line for line in engine.out("run", "--rm", *PROBE, IMAGE, "/probe", what).splitlines()
                if line not in inside] in ([], ["ptrace-first EPERM"])


def test_I1_nothing_of_the_kernels_settings_can_be_written(engine):
    out = engine.out("run", "--rm", IMAGE, "sh", "-c", FIND.format("/proc/sys /sys /proc/irq /proc/bus /proc/fs", "none"),
                     timeout=60)
    assert out.splitlines() == []


def test_I1_files_of_proc_that_can_be_written_are_only_the_process_own(engine):
    out = engine.out("run", "--rm", IMAGE, "sh", "-c",
                     "for f in /proc/* /proc/[a-z]*/*; do [ -f $f ] || continue; case $f in /proc/mounts|/proc/self/*|/proc/thread-self/*) continue;; esac;"
                     " (: >> $f) 2>/dev/null && echo $f; done; true", timeout=60)
    # opened, not written: what these do with a write is the kernel's own check of capabilities
    assert set(out.splitlines()) <= {"/proc/kmsg", "/proc/loadavg"} | {f"/proc/pressure/{x}" for x in ("cpu", "io", "memory", "irq")}


@pytest.mark.parametrize("path, text", [
    ("/proc/sys/kernel/core_pattern", "|/x"), ("/proc/sys/kernel/modprobe", "/x"), ("/proc/sysrq-trigger", "h"),
    ("/proc/sys/fs/binfmt_misc/register", ":x"), ("/sys/kernel/uevent_helper", "/x"), ("/proc/sys/vm/panic_on_oom", "1"),
    ("/sys/fs/cgroup/release_agent", "/x"), ("/sys/fs/cgroup/memory/release_agent", "/x"), ("/sys/fs/cgroup/pids/release_agent", "/x"),
    ("/sys/fs/cgroup/pids/pids.max", "max"), ("/sys/fs/cgroup/pids.max", "max"), ("/sys/fs/cgroup/devices/devices.allow", "a"),
])
def test_I2_no_way_to_a_program_run_by_the_host_or_out_of_the_limits(engine, path, text):
    done = engine.berth("run", "--rm", IMAGE, "sh", "-c", f"echo '{text}' > {path}", check=False)
    assert done.returncode != 0


def node(name, kind, major, minor):
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.devmajor, info.devminor = kind, 0o666, major, minor
    return info


def test_I3_devices_that_an_image_brings_or_makes_can_not_be_opened(engine, tmp_path):
    nodes = [node(f"nodes/{letter}-{major}", kind, major, 1) for major in range(1, 512)
             for letter, kind in (("c", tarfile.CHRTYPE), ("b", tarfile.BLKTYPE))]
    image = roots.load(engine, tmp_path, "test/nodes:1", [roots.layer(*nodes)])
    answers = probe(engine, "devices", image=image)
    assert len(answers) >= 2 * 511
    assert set(answers.values()) <= {"EACCES", "EPERM"}
    # without the user namespace only the list of devices stands in the way
    answers = probe(engine, "devices", "--userns=host", "--cap-add", "MKNOD", image=image)
    assert {path for path, answer in answers.items() if answer == "ok"} == set()
    assert engine.out("run", "--rm", image, "sh", "-c", "echo x > /dev/null; head -c 3 /dev/urandom | wc -c") == "3"


def test_I5_another_user_of_the_host_can_open_nothing_of_the_engines(engine):
    engine.berth("run", "-d", IMAGE, "sleep", "100")
    engine.folder.chmod(0o711)
    found = subprocess.run(["find", engine.state, engine.run_dir, "-not", "-type", "d", "-readable"], user=65534, group=65534,
                           extra_groups=[], capture_output=True, text=True).stdout
    assert [path for path in found.splitlines() if not path.endswith("berthd.pid")] == []
    with socket.socket(socket.AF_UNIX) as other:
        assert subprocess.run(engine.command("version"), user=65534, group=65534, extra_groups=[], capture_output=True).returncode != 0
        other.connect(str(engine.socket))
