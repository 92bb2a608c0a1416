# SPDX-License-Identifier: Apache-2.0
"""Classes C, D and L once for each verb on a running instance whose files are not what they seem: run's siblings
exec, cp, export, diff, commit, logs and top. (run itself: test_hostile_root.py, test_handles.py, test_floods.py.)"""
import contextlib
import os
import pathlib
import socket
import time

import pytest

import ledger
import roots
from rawhttp import Raw

IMAGE = "busybox:latest"
SECRET = b"untouched"
ANSWER_SECONDS = 5
GROWTH_KIB = 64 * 1024
# what stands at /srv/KIND of an instance, beside links (roots.LINKS)
OBJECTS = {"fifo": "mkfifo {0}", "folder": "mkdir {0}; echo inside > {0}/file",
           "file": "echo inside > {0}", "empty": ": > {0}", "sparse": "truncate -s 64M {0}", "hard": "echo inside > {0}.one; ln {0}.one {0}",
           "deep": "p={0}; for i in 1 2 3 4 5 6 7 8 9; do p=$p/d; done; mkdir -p $p; echo inside > $p/file", "unreadable": "mkdir -m 0 {0}"}
MARKER = "berth-e2e-trojan-ran"


def wait_for_word(engine, name, word):
    deadline = time.monotonic() + 20
    while word not in engine.out("logs", name):
        assert time.monotonic() < deadline, engine.out("logs", name)
        time.sleep(0.02)


@pytest.fixture
def canary(tmp_path):
    return roots.plant_canary(tmp_path / "canary")


def plant_socket(pid, path):
    """A socket of the instance's root user; busybox has no program that makes one."""
    first = int(pathlib.Path(f"/proc/{pid}/uid_map").read_text().split()[1])
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(f"/proc/{pid}/root{path}")
    os.chown(f"/proc/{pid}/root{path}", first, first)


@pytest.fixture
def subject(engine, name, canary):
    """An instance with every kind of object; gives its name and theirs."""
    script = [command.format(f"/srv/{kind}") for kind, command in OBJECTS.items()]
    links = {f"link{n}": target(canary, f"srv/link{n}") for n, target in enumerate(roots.LINKS.values())}
    script += [f"ln -s {target} /srv/{kind}" for kind, target in links.items()]
    engine.berth("run", "-d", "--name", name, IMAGE, "sh", "-c", "; ".join(script) + "; echo ready; exec sleep 1000")
    wait_for_word(engine, name, "ready")
    plant_socket(engine.inspect(name)["State"]["Pid"], "/srv/socket")
    return name, [*OBJECTS, *links, "socket"]


def exec_there(engine, name, kind, _):
    return engine.berth("exec", "-w", f"/srv/{kind}", name, "sh", "-c", "pwd -P; cat file", check=False, text=False, timeout=30)


def exec_it(engine, name, kind, _):
    return engine.berth("exec", name, f"/srv/{kind}", check=False, text=False, timeout=30)


def copy_out(engine, name, kind, _):
    return engine.berth("cp", f"{name}:/srv/{kind}", "-", check=False, text=False, timeout=30)


def copy_out_below(engine, name, kind, _):
    return engine.berth("cp", f"{name}:/srv/{kind}/file", "-", check=False, text=False, timeout=30)


def copy_out_followed(engine, name, kind, folder):
    done = engine.berth("cp", "-L", f"{name}:/srv/{kind}", folder / f"out-{kind}", check=False, text=False, timeout=30)
    for path in folder.glob(f"out-{kind}"):
        assert not path.is_file() or SECRET not in path.read_bytes()
    return done


def copy_in(engine, name, kind, folder):
    return engine.berth("cp", folder / "new", f"{name}:/srv/{kind}", check=False, text=False, timeout=30)


def copy_in_below(engine, name, kind, folder):
    return engine.berth("cp", folder / "new", f"{name}:/srv/{kind}/file", check=False, text=False, timeout=30)


@pytest.mark.parametrize("ask", [exec_there, exec_it, copy_out, copy_out_below, copy_out_followed, copy_in, copy_in_below],
                         ids=lambda ask: ask.__name__)
def test_D1_no_object_of_the_instance_leads_outside_or_holds_a_verb_up(engine, subject, canary, tmp_path, ask):
    name, kinds = subject
    (tmp_path / "new").write_text("new\n")
    before, good = roots.manifest(canary), 0
    for kind in kinds:
        started = time.monotonic()
        done = ask(engine, name, kind, tmp_path)
        assert time.monotonic() - started <= ANSWER_SECONDS, kind
        assert SECRET not in done.stdout and roots.manifest(canary) == before, kind
        assert done.returncode == 0 or done.stderr, kind
        good += done.returncode == 0
    # the twins among them: what is a plain file or folder is served
    assert good >= {"exec_it": 0}.get(ask.__name__, 1)
    assert engine.out("exec", name, "echo", "well") == "well"


@pytest.mark.parametrize("running", [True, False], ids=["running", "stopped"])
def test_D1_whole_trees_hold_the_instances_own_objects_alone(engine, subject, canary, running):
    name, kinds = subject
    if not running:
        engine.berth("stop", "-t", "0", name)
    before = roots.manifest(canary)
    exported = engine.berth("export", name, text=False, timeout=60).stdout
    changed = engine.out("diff", name, timeout=60).splitlines()
    engine.berth("commit", name, "test/objects:1", timeout=60)
    out = engine.out("run", "--rm", "test/objects:1", "sh", "-c", "ls /srv; cat /srv/folder/file /srv/hard /srv/deep/d/d/d/d/d/d/d/d/d/file")
    engine.berth("rmi", "test/objects:1")
    assert SECRET not in exported and SECRET.decode() not in out and roots.manifest(canary) == before
    assert {f"A /srv/{kind}" for kind in kinds} <= set(changed)
    # a socket is nothing without who made it, and no part of an archive
    assert set(kinds) - {"socket"} <= set(out.split()) and out.split()[-3:] == ["inside"] * 3


def everything(engine, name, folder):
    """Each verb, as it is asked for again and again."""
    (folder / "new").write_text("new\n")
    return {
        "exec": ["exec", name, "/bin/true"], "cp in": ["cp", folder / "new", f"{name}:/tmp/new"], "cp out": ["cp", f"{name}:/etc", "-"],
        "export": ["export", name], "diff": ["diff", name], "commit": ["commit", name, "test/verbs:1"], "logs": ["logs", name],
        "top": ["top", name], "stats": ["stats", "--no-stream", name], "inspect": ["inspect", name],
    }


def test_D2_no_program_or_library_of_the_instance_is_run_by_the_host(engine, name, tmp_path):
    names = ["xz", "gzip", "gunzip", "unpigz", "pigz", "zstd", "tar", "nsenter", "ps", "top", "mount", "cp", "cat", "getent"]
    trojan = f"#!/bin/sh\n: > /{MARKER}\n"
    layer = roots.layer(*[roots.file_of(f"usr/local/bin/{program}", trojan.encode(), 0o755) for program in names],
                        *[roots.file_of(f"lib/{library}", trojan.encode(), 0o755) for library in
                          ("libnss_files.so.2", "libnss_dns.so.2", "libc.so.6", "ld-linux-x86-64.so.2")],
                        roots.file_of("etc/nsswitch.conf", b"passwd: files evil\n"), roots.file_of("etc/ld.so.preload", b"/lib/libc.so.6\n"))
    image = roots.load(engine, tmp_path, "test/trojans:1", [layer])
    engine.berth("run", "-d", "--name", name, image, "/bin/sh", "-c", "echo ready; exec /bin/sleep 1000")
    wait_for_word(engine, name, "ready")
    for verb, words in everything(engine, name, tmp_path).items():
        engine.berth(*words, text=False, timeout=60)
        assert not pathlib.Path(f"/{MARKER}").exists(), verb
    # the twin: where the instance itself runs one, its own root has the mark
    assert MARKER not in engine.out("exec", name, "/bin/ls", "/")
    engine.berth("exec", name, "tar")
    assert MARKER in engine.out("exec", name, "/bin/ls", "/")
    assert not pathlib.Path(f"/{MARKER}").exists()


def test_C5_no_verb_leaves_a_descriptor_behind(engine, name, tmp_path):
    engine.berth("run", "-d", "--name", name, IMAGE, "sh", "-c", "echo ready; exec sleep 1000")
    wait_for_word(engine, name, "ready")
    keeper = ledger.keeper_of(engine.inspect(name)["State"]["Pid"])
    verbs = everything(engine, name, tmp_path)
    for words in verbs.values():
        engine.berth(*words, text=False)
    engine.berth("rmi", "-f", "test/verbs:1")
    before = ledger.settled(engine)["descriptors"], ledger.descriptors(keeper)
    for words in verbs.values():
        for _ in range(3):
            engine.berth(*words, text=False)
    engine.berth("rmi", "-f", "test/verbs:1")
    after = ledger.settled(engine)["descriptors"], ledger.descriptors(keeper)
    assert [[fd for fd in now if now.count(fd) > was.count(fd)] for was, now in zip(before, after)] == [[], []]


def test_C3_no_verb_puts_a_process_of_berths_where_the_instance_sees_it(engine, name, tmp_path):
    watch = ("while :; do for p in /proc/[0-9]*; do exe=$(readlink $p/exe) || continue; case $exe in /bin/*) ;; *) echo $exe >> /seen;; esac;"
             " done; done")
    engine.berth("run", "-d", "--name", name, IMAGE, "sh", "-c", f": > /seen; echo ready; {watch}")
    wait_for_word(engine, name, "ready")
    for words in everything(engine, name, tmp_path).values():
        for _ in range(3):
            engine.berth(*words, text=False)
    engine.berth("rmi", "-f", "test/verbs:1")
    assert engine.out("exec", name, "cat", "/seen") == ""


def test_D1_output_that_looks_like_frames_or_records_stays_output(engine, name):
    frames = rb"\002\000\000\000\000\000\000\005forge\001\000\000\000\000\000\000\001\n" + rb'{"stream":"stderr","log":"forged"}\n'
    engine.berth("run", "--name", name, IMAGE, "printf", frames.decode())
    wanted = frames.decode().encode().decode("unicode_escape").encode("latin-1")
    for words in (["logs", name], ["logs", "--tail", "all", name]):
        done = engine.berth(*words, text=False)
        assert (done.stdout, done.stderr) == (wanted, b"")
    lines = engine.berth("logs", "-t", name, text=False)
    assert lines.stderr == b"" and len(lines.stdout.splitlines()) == len(wanted.splitlines())


@contextlib.contextmanager
def grows_little(engine):
    before = ledger.resident_kib(engine.process.pid)
    yield
    assert ledger.resident_kib(engine.process.pid) <= before + GROWTH_KIB


def test_L1_many_files_and_long_command_lines_cost_the_engine_little(engine, name):
    engine.berth("run", "-d", "--name", name, IMAGE, "sh", "-c",
                 "mkdir /many; cd /many; seq 1 5000 | xargs touch; x=$(head -c 100000 /dev/zero | tr '\\0' x);"
                 " for i in $(seq 1 150); do sleep 1000 $x 2>/dev/null & done; sh -c 'sleep 1000' $x & echo ready; wait; sleep 1000")
    wait_for_word(engine, name, "ready")
    with grows_little(engine):
        for words in (["top", name], ["cp", f"{name}:/many", "-"], ["export", name], ["diff", name], ["commit", name, "test/many:1"]):
            started = time.monotonic()
            done = engine.berth(*words, text=False, timeout=60)
            assert time.monotonic() - started <= 20 and len(done.stdout) < 64 << 20, words[0]
    assert len(engine.out("diff", name).splitlines()) >= 5000
    engine.berth("rmi", "-f", "test/many:1")


@pytest.mark.parametrize("target", ["/containers/{}/export", "/containers/{}/archive?path=/big", "/containers/{}/logs?stdout=1&follow=1"])
def test_L1_a_download_that_is_never_read_holds_up_nobody(engine, name, target):
    engine.berth("run", "-d", "--name", name, IMAGE, "sh", "-c", "head -c 30000000 /dev/zero > /big; cat /big; echo; echo ready; sleep 1000")
    deadline = time.monotonic() + 20
    while "ready" not in engine.out("logs", "--tail", "1", name):
        assert time.monotonic() < deadline
    held = [Raw(engine.socket).connect() for _ in range(5)]
    with grows_little(engine):
        for s in held:
            s.sendall(f"GET {target.format(name)} HTTP/1.1\r\nHost: d\r\n\r\n".encode())
        for words in (["exec", name, "true"], ["top", name], ["cp", f"{name}:/etc/passwd", "-"], ["logs", "--tail", "1", name]):
            started = time.monotonic()
            engine.berth(*words, text=False, timeout=30)
            assert time.monotonic() - started <= ANSWER_SECONDS, words[0]
    for s in held:
        s.close()
    engine.berth("rm", "-f", name)
