# SPDX-License-Identifier: Apache-2.0
"""The default sandbox, seen from inside; every refusal has a twin with the flag that widens it."""
import pytest

IMAGE = "busybox:latest"
# chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service sys_chroot setfcap
ELEVEN = sum(1 << n for n in (0, 1, 3, 4, 5, 6, 7, 8, 10, 18, 31))


def status(engine, *words):
    text = engine.out("run", "--rm", *words, IMAGE, "cat", "/proc/self/status")
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def test_the_default_is_eleven_capabilities_no_new_privileges_and_a_filter(engine):
    s = status(engine)
    assert int(s["CapEff"], 16) == int(s["CapBnd"], 16) == int(s["CapPrm"], 16) == ELEVEN
    assert int(s["CapInh"], 16) == int(s["CapAmb"], 16) == 0
    assert s["NoNewPrivs"] == "1" and s["Seccomp"] == "2"


def test_another_user_has_no_capabilities(engine):
    s = status(engine, "-u", "app")
    assert int(s["CapEff"], 16) == int(s["CapPrm"], 16) == int(s["CapInh"], 16) == int(s["CapAmb"], 16) == 0


@pytest.mark.parametrize("words, effective", [
    (["--cap-drop", "ALL"], 0),
    (["--cap-drop", "ALL", "--cap-add", "NET_BIND_SERVICE"], 1 << 10),
    (["--cap-add", "CAP_NET_RAW"], ELEVEN | 1 << 13),
    (["--cap-drop", "chown"], ELEVEN & ~1),
])
def test_capabilities_are_added_and_dropped(engine, words, effective):
    assert int(status(engine, *words)["CapEff"], 16) == effective


def test_an_unknown_capability_is_refused(engine):
    done = engine.berth("run", "--rm", "--cap-add", "NO_SUCH", IMAGE, "true", check=False)
    assert done.returncode == 125 and "NO_SUCH" in done.stderr


def test_each_container_has_its_own_range_of_ids(engine):
    maps = [engine.out("run", "--rm", IMAGE, "cat", "/proc/self/uid_map").split() for _ in range(2)]
    for inside, outside, count in maps:
        assert inside == "0" and int(outside) >= 0x70000000 and count == "65536"
    first = engine.out("run", "-d", IMAGE, "sleep", "1000")
    second = engine.out("run", "-d", IMAGE, "sleep", "1000")
    bases = {engine.out("exec", i, "cat", "/proc/self/uid_map").split()[1] for i in (first, second)}
    assert len(bases) == 2


def test_the_hosts_user_namespace_only_when_asked(engine):
    assert engine.out("run", "--rm", "--userns=host", IMAGE, "cat", "/proc/self/uid_map").split() == ["0", "0", "4294967295"]
    assert engine.out("run", "--rm", "--userns=host", IMAGE, "stat", "-c", "%u:%g", "/etc/passwd") == "0:0"


def test_files_of_the_image_keep_their_owners(engine):
    assert engine.out("run", "--rm", IMAGE, "stat", "-c", "%u:%g %a", "/etc/passwd", "/tmp") == "0:0 644\n0:0 1777"


def test_no_new_privileges_can_be_switched_off(engine):
    assert status(engine, "--security-opt", "no-new-privileges=false")["NoNewPrivs"] == "0"


def test_the_filter_can_be_switched_off_or_replaced(engine, tmp_path):
    assert status(engine, "--security-opt", "seccomp=unconfined")["Seccomp"] == "0"
    profile = tmp_path / "profile.json"
    profile.write_text('{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86_64"],'
                       '"syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":1}]}')
    done = engine.berth("run", "--rm", "--security-opt", f"seccomp={profile}", IMAGE, "mkdir", "/x", check=False)
    assert done.returncode == 1 and "not permitted" in done.stderr
    engine.berth("run", "--rm", IMAGE, "mkdir", "/x")
    profile.write_text('{"defaultAction":"SCMP_ACT_NONE_SUCH"}')
    assert engine.berth("run", "--rm", "--security-opt", f"seccomp={profile}", IMAGE, "true", check=False).returncode == 125


def test_masked_paths_are_empty_and_cannot_be_written(engine):
    out = engine.out("run", "--rm", IMAGE, "sh", "-c",
                     "cat /proc/kcore /proc/keys /proc/timer_list 2>/dev/null | wc -c; ls /proc/acpi /sys/firmware 2>/dev/null | grep -v : | wc -w;"
                     "(echo x > /proc/kcore) 2>/dev/null && echo written; true")
    assert out == "0\n0"
    assert engine.out("run", "--rm", "--privileged", "--userns=host", IMAGE, "sh", "-c", "wc -c < /proc/timer_list") != "0"


def test_system_paths_are_read_only(engine):
    for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/irq/default_smp_affinity", "/sys/kernel/uevent_seqnum"):
        done = engine.berth("run", "--rm", IMAGE, "sh", "-c", f"echo x > {path}", check=False)
        assert done.returncode != 0, path


def test_the_processes_are_limited(engine):
    assert engine.out("run", "-d", "--name", "pids-default", IMAGE, "sleep", "100")
    assert engine.inspect("pids-default")["HostConfig"]["PidsLimit"] in (2048, None, 0)
    done = engine.berth("run", "--rm", "--pids-limit", "5", IMAGE, "sh", "-c",
                        "for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait", check=False)
    assert "fork" in done.stderr
    engine.berth("rm", "-f", "pids-default")


def test_the_memory_is_limited_and_the_kill_is_told(engine, name):
    done = engine.berth("run", "--name", name, "-m", "16m", IMAGE, "sh", "-c", "tail /dev/zero", check=False)
    assert done.returncode == 137
    assert engine.inspect(name)["State"]["OOMKilled"] is True
    assert engine.berth("run", "--rm", "-m", "64m", IMAGE, "echo", "fits").stdout == "fits\n"


def test_devices_are_the_few_of_the_default(engine):
    names = set(engine.out("run", "--rm", IMAGE, "ls", "/dev").split())
    assert {"null", "zero", "full", "random", "urandom", "tty", "pts", "shm", "fd", "stdin"} <= names
    assert not names & {"vda", "sda", "kvm", "mem", "kmsg", "loop0"}
    done = engine.berth("run", "--rm", "--cap-add", "MKNOD", IMAGE, "mknod", "/dev/vda", "b", "254", "0", check=False)
    assert done.returncode != 0
    assert engine.out("run", "--rm", IMAGE, "sh", "-c", "head -c 4 /dev/zero | wc -c") == "4"


def test_only_standard_streams_are_open(engine):
    out = engine.out("run", "--rm", IMAGE, "sh", "-c", "ls /proc/$$/fd; true")
    assert set(out.split()) <= {"0", "1", "2", "10"}


def test_no_network_but_loopback(engine):
    assert engine.out("run", "--rm", "--network", "none", IMAGE, "ls", "/sys/class/net") == "lo"
    assert "127.0.0.1" in engine.out("run", "--rm", "--network", "none", IMAGE, "ip", "addr")
    inside = engine.out("run", "--rm", "--network", "host", IMAGE, "readlink", "/proc/self/ns/net")
    import os
    assert inside == os.readlink("/proc/self/ns/net")
