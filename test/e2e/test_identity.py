# SPDX-License-Identifier: Apache-2.0
"""Classes D and H: who a process is, from the image's own passwd and group, and what a hostile one can do."""
import time

import pytest

import ledger

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
