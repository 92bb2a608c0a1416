# SPDX-License-Identifier: Apache-2.0
"""A2, A3, D3: a folder on the way becomes a link to the host's files, and back, at each system call that a verb makes
on the way. Whatever call it is, nothing of the host is read, changed or mounted on."""
import os
import subprocess
import time

import pytest

import ledger
import roots
from conftest import ROOT

IMAGE = "busybox:latest"
# points of each verb, spread over its calls; 0 stands for every call
POINTS = int(os.environ.get("BERTH_SWAP_POINTS", "8"))
NEVER = 1 << 30
SECRET = "untouched"
LINKS = (lambda canary: str(canary), lambda canary: "../" * 12 + str(canary)[1:], lambda canary: f"/proc/1/root{canary}")


class Verb:
    """An instance with /srv/way, which is a folder or a link to the canary, and what is asked of it."""
    way, other = "srv/way", "srv/other"

    def __init__(self, engine, canary, link, folder):
        self.engine, self.canary, self.link, self.folder = engine, canary, link, folder
        (folder / "new").mkdir(exist_ok=True)
        (folder / "new" / "file").write_text("new\n")

    def prepare(self):
        self.engine.berth("rm", "-f", "subject", check=False)
        self.engine.berth("run", "-d", "--name", "subject", IMAGE, "sh", "-c",
                          f"mkdir -p /srv/way/deep; echo inside > /srv/way/file; ln -s {self.link} /srv/other;"
                          f"ln -s {self.link}/file /srv/one; echo ready; exec sleep 1000")
        deadline = time.monotonic() + 20
        while "ready" not in self.engine.out("logs", "subject"):
            assert time.monotonic() < deadline
        root = f"/proc/{self.engine.inspect('subject')['State']['Pid']}/root"
        return f"{root}/{self.way}", f"{root}/{self.other}"

    def request(self):
        raise NotImplementedError

    def check(self, done):
        assert SECRET.encode() not in done.stdout

    def ask(self, *words):
        return self.engine.berth(*words, check=False, text=False, timeout=60)


class Run(Verb):
    """A new instance whose mounts and working folder lie in a folder that another one has as well."""

    def prepare(self):
        shared = self.folder / "shared"
        if not shared.exists():
            (shared / "way").mkdir(parents=True)
        if (shared / "other").is_symlink():
            (shared / "other").unlink()
        (shared / "other").symlink_to(self.link)
        return shared / "way", shared / "other"

    def request(self):
        return self.ask("run", "--rm", "-v", f"{self.folder}/shared:/shared", "-v", f"{self.folder}/new:/shared/way/bind:ro",
                        "-v", f"{self.folder}/new/file:/shared/way/one:ro", "--tmpfs", "/shared/way/tmpfs", "-w", "/shared/way/work",
                        IMAGE, "sh", "-c", "for p in /shared/way/bind/file /shared/way/one /proc/sys/kernel/hostname; do"
                        " (echo written > $p) 2>/dev/null && echo written; done; echo started; cat /shared/way/file 2>/dev/null")

    def check(self, done):
        super().check(done)
        assert (self.folder / "new" / "file").read_text() == "new\n"
        if done.returncode == 0:
            assert b"started" in done.stdout and b"written" not in done.stdout
        else:
            assert done.returncode in (1, 125, 126, 127)


class Exec(Verb):
    def request(self):
        return self.ask("exec", "-w", "/srv/way/deep", "subject", "sh", "-c", "pwd -P; cat /srv/way/file; echo ran")

    def check(self, done):
        super().check(done)
        assert b"ran" in done.stdout if done.returncode == 0 else done.returncode in (125, 126, 127)


class ExecUser(Verb):
    way, other = "etc/passwd", "srv/one"

    def request(self):
        return self.ask("exec", "-u", "app", "subject", "sh", "-c", "grep Uid /proc/self/status")

    def check(self, done):
        super().check(done)
        assert done.stdout.split() == [b"Uid:"] + [b"1000"] * 4 if done.returncode == 0 else done.returncode in (125, 126)


class CopyIn(Verb):
    def request(self):
        return self.ask("cp", f"{self.folder}/new", "subject:/srv/way/deep")


class CopyInOver(Verb):
    def request(self):
        return self.ask("cp", f"{self.folder}/new/file", "subject:/srv/way/file")


class CopyOut(Verb):
    def request(self):
        return self.ask("cp", "subject:/srv/way", "-")


class Export(Verb):
    def request(self):
        return self.ask("export", "subject")


class Diff(Verb):
    def request(self):
        return self.ask("diff", "subject")


class Commit(Verb):
    def request(self):
        return self.ask("commit", "subject", "test/swapped:1")

    def check(self, done):
        if done.returncode == 0:
            super().check(self.ask("run", "--rm", "test/swapped:1", "sh", "-c", "cat /srv/way/file /srv/other/file"))
        self.engine.berth("rmi", "-f", "test/swapped:1", check=False)


class Logs(Verb):
    def request(self):
        return self.ask("logs", "subject")

    def check(self, done):
        assert done.stdout == b"ready\n"


class Top(Verb):
    def request(self):
        return self.ask("top", "subject")

    def check(self, done):
        super().check(done)
        assert b"sleep" in done.stdout


def keepers(engine):
    """Those that wait for an instance, and those that have one."""
    return [str(pid) for pid, words in ledger.processes_of(engine).items() if words.startswith("berth-keeper")]


def swap(verb, at, how):
    """Makes the request while the two are exchanged at call AT; (calls made, exchanged)."""
    paths = verb.prepare()
    tracer = subprocess.Popen([str(ROOT / "build" / "test" / "tools" / "swap-at"), str(at), how, *map(str, paths),
                               str(verb.engine.process.pid), *keepers(verb.engine)], stdout=subprocess.PIPE, text=True)
    assert tracer.stdout.readline() == "ready\n"
    done = verb.request()
    tracer.terminate()
    count, what = tracer.stdout.read().split()
    tracer.wait(20)
    verb.check(done)
    return int(count), what == "exchanged"


def mounts_below(folder):
    """Mounts of the host on, or of, what lies in a folder."""
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        return [line for line in f if f"{folder}/" in line]


@pytest.mark.timeout(0 if POINTS == 0 or POINTS > 20 else 300)
@pytest.mark.parametrize("kind", [Run, Exec, ExecUser, CopyIn, CopyInOver, CopyOut, Export, Diff, Commit, Logs, Top],
                         ids=lambda kind: kind.__name__)
def test_A2_an_exchange_at_any_call_leads_nowhere_outside(own_engine, tmp_path, kind):
    engine = own_engine()
    canary = roots.plant_canary(tmp_path / "canary")
    (tmp_path / "work").mkdir()
    before, mounts = roots.manifest(canary), mounts_below(tmp_path)
    calls, _ = swap(kind(engine, canary, LINKS[0](canary), tmp_path / "work"), NEVER, "stays")
    points = range(1, calls + 1) if POINTS == 0 else sorted({1 + n * calls // POINTS for n in range(POINTS)})
    exchanged = 0
    for index, at in enumerate(points):
        for how in ("stays", "returns"):
            verb = kind(engine, canary, LINKS[(index + (how == "returns")) % len(LINKS)](canary), tmp_path / "work")
            try:
                exchanged += swap(verb, at, how)[1]
                assert roots.manifest(canary) == before, "the canary changed"
                assert mounts_below(tmp_path) == mounts, "something was mounted in the host's tree"
            except AssertionError as error:
                raise AssertionError(f"exchanged at call {at} of {calls}, {how}, link to {verb.link}: {error}") from error
    assert exchanged >= len(points), f"only {exchanged} exchanges in {2 * len(points)} requests"
    print(f"{kind.__name__}: {exchanged} exchanges over {calls} calls")
