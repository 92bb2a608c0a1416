# SPDX-License-Identifier: Apache-2.0
"""Classes D and H: who a process is, from the image's own passwd and group, and what a hostile one can do."""
import os
import struct
import time

import pytest

import ledger
import roots
from conftest import ROOT

IMAGE = "busybox:latest"
ANSWER_SECONDS = 2
GROWTH_KIB = 8 * 1024

# what is asked for -> user, group, groups, home; None: refused
IDENTITIES = {
    "0": "0 0 0 /root", "root": "0 0 0 /root", "00": "0 0 0 /root",
    "1000": "1000 1000 1000 1001 /home", "app": "1000 1000 1000 1001 /home", "0001000": "1000 1000 1000 1001 /home",
    "app:extra": "1000 1001 1001 /home", "1000:1001": "1000 1001 1001 /home", "1000:extra": "1000 1001 1001 /home",
    "app:": "1000 1000 1000 1001 /home", ":app": "0 1000 1000 /root",
    "nobody": "65534 65534 65534 /", "65535": "65535 0 0 /", "3000": "3000 0 0 /", "3000:3001": "3000 3001 3001 /",
    "65536": None, "1000:65536": None, "2147483648": None, "4294967294": None, "4294967295": None, "4294967296": None,
    "4294967297": None, "18446744073709551616": None, "-1": None, "0x0": None, "+0": None, " 0": None, "0 ": None,
    "٠": None, "1e3": None, "no-such": None, "1000:no-such": None, "app:app:app": None, "root\nx": None, "app\n": None,
    "a" * 5000: None,
}


@pytest.fixture(scope="module")
def running(shared_engine, load_image):
    load_image("busybox")
    identifier = shared_engine.out("run", "-d", IMAGE, "sleep", "1000")
    yield identifier
    shared_engine.berth("rm", "-f", identifier)


@pytest.mark.parametrize("user", IDENTITIES, ids=lambda u: repr(u)[:24])
def test_H1_run_and_exec_agree_on_who_a_user_is(shared_engine, running, user):
    for words in (["run", "--rm", "-u", user, IMAGE], ["exec", "-u", user, running]):
        done = shared_engine.berth(*words, "sh", "-c", "echo $(id -u) $(id -g) $(id -G) $HOME", check=False)
        if IDENTITIES[user] is None:
            assert done.returncode in (125, 126) and done.stdout == "" and done.stderr, words[0]
        else:
            assert done.stdout.strip() == IDENTITIES[user], words[0]


@pytest.mark.parametrize("user", ["app", "1000:1001", "app:extra", "00", "3000", "65536", "4294967297", "-1", "0x0", "no-such"])
def test_H1_an_image_made_by_commit_says_who_its_user_is_as_run_does(shared_engine, running, user):
    reference = "test/identity:1"
    shared_engine.berth("commit", "-c", f"USER {user}", running, reference)
    for words in ([], ["--init"]):
        done = shared_engine.berth("run", "--rm", *words, reference, "sh", "-c", "echo $(id -u) $(id -g) $(id -G) $HOME", check=False)
        if IDENTITIES[user] is None:
            assert done.returncode in (125, 126) and done.stdout == "" and done.stderr
        else:
            assert done.stdout.strip() == IDENTITIES[user]
    shared_engine.berth("rmi", "-f", reference)


def test_H1_top_and_cp_know_the_users_of_the_instance(engine, name, tmp_path):
    engine.berth("run", "-d", "--name", name, "-u", "app:extra", IMAGE, "sleep", "1000")
    assert engine.out("top", name, "-o", "uid,args").splitlines()[1].split() == ["1000", "sleep", "1000"]
    (tmp_path / "file").write_text("x")
    engine.berth("cp", "-a", tmp_path / "file", f"{name}:/tmp/file")
    assert engine.out("exec", "-u", "0", name, "stat", "-c", "%u:%g", "/tmp/file") == "1000:1001"


@pytest.mark.parametrize("kind", ["fifo", "loop", "folder", "device", "dangling link", "link by /proc/self/root", "two MiB", "no line's end"])
@pytest.mark.parametrize("path", ["etc/passwd", "etc/group"])
def test_D4_an_image_with_a_hostile_passwd_or_group_starts_or_is_refused_in_time(engine, tmp_path, path, kind):
    data = {"two MiB": b"x:x:1:1::/:\n" * 200000, "no line's end": b"x" * 900000}.get(kind)
    member = roots.file_of(path, data) if data else roots.member(path, kind, roots.plant_canary(tmp_path / "canary"))
    image = roots.load(engine, tmp_path, "test/hostile-names:1", [roots.layer(member)])
    before = ledger.resident_kib(engine.process.pid)
    for user in ("app", "app:extra", "1000:1000"):
        started = time.monotonic()
        done = engine.berth("run", "--rm", "-u", user, image, "grep", "Uid", "/proc/self/status", check=False, timeout=30)
        assert time.monotonic() - started <= ANSWER_SECONDS
        assert done.stdout.split() == ["Uid:"] + ["1000"] * 4 if done.returncode == 0 else done.returncode in (125, 126) and done.stderr
    assert ledger.resident_kib(engine.process.pid) <= before + GROWTH_KIB
    engine.berth("rmi", "-f", image)


@pytest.mark.parametrize("words, effective", [
    ([], "00000000800405fb"), (["-u", "app"], "0" * 16), (["--cap-drop", "ALL"], "0" * 16),
    (["--cap-add", "NET_ADMIN"], "00000000800415fb"),
])
def test_H2_nothing_is_inheritable_for_the_first_process_and_for_an_exec(engine, name, words, effective):
    engine.berth("run", "-d", "--name", name, *words, IMAGE, "sh", "-c", "cat /proc/self/status; sleep 100")
    texts = engine.out("exec", name, "cat", "/proc/self/status"), engine.out("exec", name, "cat", "/proc/1/status")
    for text in texts:
        sets = dict(line.split(":\t") for line in text.splitlines() if line.startswith("Cap") or line.startswith("NoNew"))
        assert sets["CapInh"] == sets["CapAmb"] == "0" * 16 and sets["NoNewPrivs"] == "1"
        assert sets["CapEff"] == sets["CapPrm"] == effective


def test_H3_supplementary_groups_are_the_ones_asked_for(engine, name):
    engine.berth("run", "-d", "--name", name, "--group-add", "extra", "--group-add", "4000", IMAGE, "sleep", "100")
    for words in (["exec", name], ["run", "--rm", "--group-add", "extra", "--group-add", "4000", IMAGE]):
        assert set(engine.out(*words, "id", "-G").split()) == {"0", "1001", "4000"}
    assert engine.berth("run", "--rm", "--group-add", "no-such", IMAGE, "id", check=False).returncode == 125


HOSTILE_FILES = {
    "10 GiB sparse": "truncate -s 10G {0}",
    "fifo": "rm {0}; mkfifo {0}",
    "loop": "rm {0}; ln -s {0} {0}",
    "endless device": "rm {0}; ln -s /dev/zero {0}",
    "endless file of proc": "rm {0}; ln -s /proc/kmsg {0}",
    "link to the caller's own": "rm {0}; ln -s /proc/self/root{0} {0}",
    "folder": "rm {0}; mkdir {0}",
    "one line without end": "head -c 900000 /dev/zero | tr '\\0' x > {0}",
    "many lines": "yes 'x:x:1:1::/:' | head -n 60000 > {0}",
    "missing": "rm {0}",
}


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/group"])
@pytest.mark.parametrize("kind", HOSTILE_FILES)
def test_D4_a_hostile_passwd_or_group_costs_neither_time_nor_memory(engine, name, kind, path):
    engine.berth("run", "-d", "--name", name, IMAGE, "sh", "-c", HOSTILE_FILES[kind].format(path) + "; echo ready; sleep 1000")
    deadline = time.monotonic() + 10
    while "ready" not in engine.out("logs", name):
        assert time.monotonic() < deadline
    keeper = ledger.keeper_of(engine.inspect(name)["State"]["Pid"])
    before = ledger.resident_kib(engine.process.pid), ledger.resident_kib(keeper)
    for user in ("app", "app:extra", "1000:1000"):
        started = time.monotonic()
        done = engine.berth("exec", "-u", user, name, "grep", "Uid", "/proc/self/status", check=False, timeout=30)
        assert time.monotonic() - started <= ANSWER_SECONDS
        assert done.returncode in (0, 125, 126), done.stderr
        if done.returncode == 0:
            assert done.stdout.split() == ["Uid:"] + ["1000"] * 4
    assert ledger.resident_kib(engine.process.pid) <= before[0] + GROWTH_KIB
    assert ledger.resident_kib(keeper) <= before[1] + GROWTH_KIB
    assert engine.berth("exec", "-u", "0:0", name, "true", check=False).returncode in (0, 125, 126)


# Everything of a process that its confinement shows in.
SEEN = ("grep -E '^(Uid|Gid|Groups|Cap|NoNew|Seccomp|Sig[BI]|Cpus_allowed:|Mems_allowed:)' /proc/self/status; umask;"
        " for f in limits oom_score_adj cgroup uid_map gid_map setgroups; do echo $f; cat /proc/self/$f; done;"
        " for n in /proc/self/ns/*; do readlink $n; done; pwd; env | sort; ls /proc/self/fd | wc -l; tty; true")
WIDENINGS = [[], ["--privileged"], ["--privileged", "--userns=private"], ["--cap-add", "ALL"], ["--cap-drop", "ALL"],
             ["--cap-add", "SYS_ADMIN"], ["--security-opt", "no-new-privileges=false"], ["--security-opt", "seccomp=unconfined"],
             ["--security-opt", "systempaths=unconfined"], ["--userns=host"], ["--userns=host", "-u", "app"], ["-u", "app"],
             ["-u", "1000:extra", "--group-add", "4000"], ["--pid=host"], ["--ipc=host"], ["--uts=host"], ["--network", "host"],
             ["--cgroupns=host"], ["--ulimit", "nofile=100:200"], ["--oom-score-adj", "500"], ["--pids-limit", "50"],
             ["--read-only"], ["--init"], ["-t"], ["-w", "/etc", "-e", "A=b"]]
if not os.path.isdir("/dev/mqueue"):
    WIDENINGS.remove(["--ipc=host"])


@pytest.mark.parametrize("words", WIDENINGS, ids=" ".join)
def test_H2_an_exec_is_confined_as_the_first_process_is(engine, name, words):
    engine.berth("run", "-d", "--name", name, *words, IMAGE, "sh", "-c", SEEN + "; echo whole; exec sleep 1000")
    deadline = time.monotonic() + 10
    while "whole" not in engine.out("logs", name):
        assert time.monotonic() < deadline
    terminal = ["-t"] if "-t" in words else []
    first = engine.out("logs", name).replace("\r", "").removesuffix("whole").strip()
    joined = engine.out("exec", *terminal, name, "sh", "-c", SEEN).replace("\r", "")
    # each has a terminal of its own
    differs = [(a, b) for a, b in zip(first.splitlines(), joined.splitlines(), strict=True) if a != b and "/dev/pts/" not in a]
    assert differs == []


def test_H2_twin_a_privileged_exec_is_widened_alone(engine, name):
    engine.berth("run", "-d", "--name", name, IMAGE, "sleep", "1000")
    status = engine.out("exec", "--privileged", name, "cat", "/proc/self/status")
    assert "CapEff:\t000001ffffffffff" in status and "NoNewPrivs:\t0" in status and "CapInh:\t" + "0" * 16 in status
    after = engine.out("exec", name, "cat", "/proc/self/status")
    assert "CapEff:\t00000000800405fb" in after and "NoNewPrivs:\t1" in after


def set_id_image(engine, folder):
    """busybox, with a set-user-id program and one that has a capability of the file's own."""
    capability = struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0)  # CAP_NET_BIND_SERVICE, effective
    program = next(data for info, data in roots.members(roots.busybox()) if info.name.lstrip("./") == "bin/busybox")
    owned = roots.file_of("suid/probe", (ROOT / "build" / "test" / "tools" / "probe").read_bytes(), 0o4755)
    with_capability = roots.file_of("capable/grep", program, 0o755)
    with_capability[0].pax_headers = {"SCHILY.xattr.security.capability": capability.decode("utf-8", "surrogateescape")}
    return roots.load(engine, folder, "test/set-id:1", [roots.layer(owned, with_capability)])


@pytest.mark.parametrize("way", ["run", "exec"])
def test_H2_set_id_programs_and_file_capabilities_give_nothing_without_the_word_for_it(engine, tmp_path, name, way):
    image = set_id_image(engine, tmp_path)
    ask = ["sh", "-c", "/suid/probe user; /capable/grep CapEff /proc/self/status"]
    for words, wanted in (([], ["1000 1000", "CapEff:\t" + "0" * 16]),
                          (["--security-opt", "no-new-privileges=false"], ["1000 0", "CapEff:\t" + "0" * 13 + "400"])):
        if way == "run":
            out = engine.out("run", "--rm", "-u", "app", *words, image, *ask)
        else:
            engine.berth("run", "-d", "--name", name, "-u", "app", *words, image, "sleep", "1000")
            out = engine.out("exec", name, *ask)
            engine.berth("rm", "-f", name)
        assert out.splitlines() == wanted, words
