# SPDX-License-Identifier: Apache-2.0
"""Requests that are cut short at a system call, or find the disk full, and what must hold of their objects."""
import os
import subprocess
import time

import engine as engines
import roots

TOOL = engines.ROOT / "build" / "test" / "tools" / "crash-at"
IMAGE = "busybox:latest"
OTHER = "test/other:1"
NEVER = 1 << 30
CACHED = ("/",)  # descriptors of layers' mounts, made when they are needed
RESUMED = ("tmp/partial-",)  # what a cut request had of a blob, which the next one goes on with
SLEEP = ["sh", "-c", "trap 'exit 3' TERM; echo up; while :; do sleep 0.05; done"]


class Tracer:
    """Counts the system calls of a process, and does what OPTIONS say at number AT (test/tools/crash-at.c)."""

    def __init__(self, pid, at, *options):
        self.process = subprocess.Popen([str(TOOL), *options, str(pid), str(at)],
                                        stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def end(self):
        """Lets the process come to rest, and go; how many calls there were."""
        self.process.terminate()
        calls = int(self.process.stdout.read())
        self.process.wait(20)
        self.process.stdout.close()
        return calls


def spread(calls, limit):
    """At most LIMIT of the numbers 1 to CALLS; each of them where there are no more."""
    count = min(calls, limit)
    return [1 + point * calls // count for point in range(count)]


class Verb:
    """What is done before, the request, and what its object must be like afterwards."""

    def __init__(self, engine, files):
        self.engine, self.files = engine, files

    before = []

    def prepare(self):
        for words in self.before:
            self.engine.berth(*words)
        if SLEEP[-1] in sum(self.before, []) and self.before[0][0] == "run":
            while "up" not in self.engine.out("logs", "subject"):
                pass

    def check(self, acknowledged):
        """Whole or absent; as it was asked for, where that was acknowledged."""

    def clean(self):
        self.engine.berth("rm", "-f", "subject", check=False)

    def state(self):
        done = self.engine.berth("inspect", "--format", "{{.State.Status}}", "subject", check=False)
        return done.stdout.strip() if done.returncode == 0 else "absent"

    def usable(self):
        """An instance that says it runs does run, or ends just then."""
        state = self.state()
        if state != "running":
            return state
        done = self.engine.berth("exec", "subject", "echo", "here", check=False)
        deadline = time.monotonic() + 5
        while done.stdout != "here\n" and state == "running":
            assert time.monotonic() < deadline, done.stderr
            state = self.state()
        return state


class Run(Verb):
    request = ["run", "-d", "--name", "subject", IMAGE, *SLEEP]
    acknowledged = ("running",)
    otherwise = ("absent", "created", "running", "exited")

    def check(self, acknowledged):
        assert self.usable() in (self.acknowledged if acknowledged else self.otherwise)


class RunAndRemove(Run):
    request = ["run", "--rm", "--name", "subject", IMAGE, "echo", "done"]
    acknowledged = ("absent",)


class Create(Run):
    request = ["create", "--name", "subject", IMAGE, *SLEEP]
    acknowledged = ("created",)
    otherwise = ("absent", "created")


class Start(Run):
    before = [["create", "--name", "subject", IMAGE, *SLEEP]]
    request = ["start", "subject"]
    otherwise = ("created", "running", "exited")


class Stop(Run):
    before = [["run", "-d", "--name", "subject", IMAGE, *SLEEP]]
    request = ["stop", "-t", "5", "subject"]
    acknowledged = ("exited",)
    otherwise = ("running", "exited")

    def check(self, acknowledged):
        super().check(acknowledged)
        if self.state() == "exited":
            assert self.engine.inspect("subject")["State"]["ExitCode"] == 3


class Remove(Run):
    before = [["run", "-d", "--name", "subject", IMAGE, *SLEEP]]
    request = ["rm", "-f", "subject"]
    acknowledged = ("absent",)


class Exec(Run):
    before = [["run", "-d", "--name", "subject", IMAGE, *SLEEP]]
    request = ["exec", "subject", "sh", "-c", "echo out; exit 0"]
    otherwise = ("running",)


class Copy(Run):
    before = [["run", "-d", "--name", "subject", IMAGE, *SLEEP]]
    otherwise = ("running",)

    @property
    def request(self):
        return ["cp", self.files["payload"], "subject:/srv/payload"]

    def check(self, acknowledged):
        super().check(acknowledged)
        if acknowledged:
            assert self.engine.out("exec", "subject", "sha256sum", "/srv/payload").split()[0] == self.files["sum"]


class Image(Verb):
    """A verb that brings an image, or takes it away."""

    acknowledged = True

    def present(self):
        return self.engine.berth("image", "inspect", OTHER, check=False).returncode == 0

    def check(self, acknowledged):
        present = self.present()
        assert present == self.acknowledged or not acknowledged
        if present:
            assert self.engine.out("run", "--rm", OTHER, "cat", "/other") == "other"

    def clean(self):
        super().clean()
        self.engine.berth("rmi", "-f", OTHER, check=False)


class Load(Image):
    @property
    def request(self):
        return ["load", "-i", self.files["archive"]]


class Untag(Image):
    acknowledged = False
    request = ["rmi", OTHER]

    def prepare(self):
        self.engine.berth("load", "-i", self.files["archive"])


class Commit(Image):
    before = [["run", "-d", "--name", "subject", IMAGE, "sh", "-c", "echo other > /other; exec sleep 1000"],
              ["exec", "subject", "sh", "-c", "while ! [ -s /other ]; do :; done"]]
    request = ["commit", "subject", OTHER]


class Pull(Image):
    @property
    def request(self):
        return ["pull", self.files["reference"]]

    def check(self, acknowledged):
        present = self.engine.berth("image", "inspect", self.files["reference"], check=False).returncode == 0
        assert present or not acknowledged
        if present:
            assert self.engine.out("run", "--rm", self.files["reference"], "cat", "/other") == "other"

    def clean(self):
        self.engine.berth("rmi", "-f", self.files["reference"], check=False)


def make_files(folder, registry):
    """What the verbs copy, load and pull."""
    (folder / "payload").write_bytes(os.urandom(3 << 20))
    checksum = subprocess.run(["sha256sum", folder / "payload"], capture_output=True, text=True, check=True).stdout
    layer = roots.layer(roots.file_of("other", b"other\n"), roots.file_of("noise", os.urandom(1 << 20)))
    archive = str(folder / "other.tar")
    roots.images.write_archive(archive, [roots.busybox(), layer], {"Cmd": ["sh"]}, name=OTHER)
    return {"payload": str(folder / "payload"), "sum": checksum.split()[0], "archive": archive,
            "reference": f"{registry.host}/test/other:1"}


def make_verb(kind, engine, files):
    """The verb, with others in the engine who must not notice, and all caches filled."""
    engine.berth("run", "-d", "--name", "bystander", IMAGE, "sleep", "10000")
    engine.berth("run", "--name", "ended", IMAGE, "sh", "-c", "echo last words; exit 7", check=False)
    verb = kind(engine, files)
    if kind is Pull:
        engine.berth("load", "-i", files["archive"])
        engine.berth("tag", OTHER, files["reference"])
        engine.berth("push", files["reference"])
        engine.berth("rmi", OTHER, files["reference"])
    return verb


def others_are_well(engine):
    """What was there before has not noticed."""
    assert engine.out("exec", "bystander", "echo", "here") == "here"
    state = engine.inspect("ended")["State"]
    assert (state["Status"], state["ExitCode"]) == ("exited", 7) and engine.out("logs", "ended") == "last words"
