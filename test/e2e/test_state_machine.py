# SPDX-License-Identifier: Apache-2.0
"""Every verb in every state that a request can bring about: allowed, already so or refused, with dockerd's status and words."""
import http.client
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, TimeoutError

import ledger
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "bench"))

from peers import Docker  # noqa: E402

IMAGE = "busybox:latest"
NAME = "subject"
VERBS = {
    "start": ("POST", "/start"), "stop": ("POST", "/stop?t=0"), "kill": ("POST", "/kill"), "pause": ("POST", "/pause"),
    "unpause": ("POST", "/unpause"), "restart": ("POST", "/restart?t=0"), "exec": ("POST", "/exec", {"Cmd": ["true"]}),
    "resize": ("POST", "/resize?h=10&w=10"), "rename": ("POST", f"/rename?name={NAME}2"), "update": ("POST", "/update", {}),
    "top": ("GET", "/top"), "stats": ("GET", "/stats?stream=false&one-shot=true"), "copy": ("GET", "/archive?path=/etc"),
    "export": ("GET", "/export"), "diff": ("GET", "/changes"), "remove": ("DELETE", ""),
}
# the requests that bring a fresh instance into a state
STATES = {
    "created": [], "running": [("POST", "/start")], "paused": [("POST", "/start"), ("POST", "/pause")],
    "exited": [("POST", "/start"), ("POST", "/kill"), ("POST", "/wait")], "restarting": [("POST", "/start")],
}
# what later versions of dockerd say instead of Debian 12's
NOW = {
    "Container * is not running": "container * is not running",
    "Cannot kill container: *: Container * is not running": "cannot kill container: *: container is not running",
}
# a refusal is no failure of the server (500), and what is there is not said to be missing (404)
OURS = {
    (500, "Container * is not paused"): (409, "Container * is not paused"),
    (404, "no such container"): (409, "Container * is restarting, wait until the container is running"),
    (404, "sandbox * not found"): (204, ""),
}


def expected(status, message):
    return OURS.get((status, message), (status, NOW.get(message, message)))


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Daemon:
    """Berth or dockerd, as their common interface shows them."""

    def __init__(self, path):
        self.path = path

    def ask(self, method, path, body=None):
        """(status, message or document)"""
        connection = Connection(self.path)
        connection.request(method, "/v1.41" + path, None if body is None else json.dumps(body),
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        if answer.getheader("Content-Type", "").startswith("application/json") and data:
            return answer.status, json.loads(data)
        return answer.status, None

    def state(self, name=NAME):
        status, document = self.ask("GET", f"/containers/{name}/json")
        return document["State"]["Status"] if status == 200 else "absent"

    def remove(self):
        for name in (NAME, NAME + "2"):
            self.ask("DELETE", f"/containers/{name}?force=1")

    def bring_about(self, state):
        self.remove()
        fails = state == "restarting"
        config = {"Image": IMAGE, "Cmd": ["false"] if fails else ["sleep", "1000"],
                  "HostConfig": {"NetworkMode": "none", "RestartPolicy": {"Name": "always" if fails else "no"}}}
        status, answer = self.ask("POST", f"/containers/create?name={NAME}", config)
        assert status == 201, answer
        for method, path in STATES[state]:
            status, answer = self.ask(method, f"/containers/{NAME}{path}")
            assert status < 300, answer
        deadline = time.monotonic() + 60
        # the pause must be long enough for the verb
        while self.state() != state or (fails and self.restarts() < 5):
            assert time.monotonic() < deadline, self.state()
            time.sleep(0.02)

    def restarts(self):
        return self.ask("GET", f"/containers/{NAME}/json")[1]["RestartCount"]

    def try_verb(self, state, verb):
        """What the verb answers in this state: its status, and its words where it is refused."""
        if self.state() != state:
            self.bring_about(state)
        method, path, *body = VERBS[verb]
        status, answer = self.ask(method, f"/containers/{NAME}{path}", *body)
        if verb == "rename" and status < 300:
            self.ask("POST", f"/containers/{NAME}2/rename?name={NAME}")
        return status, normal(answer["message"]) if status >= 400 else ""


def normal(message):
    """Names and ids are not what matters."""
    return re.sub(rf"/?{NAME}2?\b|\b[0-9a-f]{{64}}\b", "*", message).strip()


@pytest.fixture(scope="module")
def dockerd(tmp_path_factory, image_archive):
    folder = tmp_path_factory.mktemp("dockerd")
    daemon = Docker(folder / "d")
    archive = folder / "busybox.tar"
    subprocess.run(["skopeo", "copy", "-q", f"oci-archive:{image_archive('busybox')}",
                    f"docker-archive:{archive}:{IMAGE}"], check=True)
    daemon.run("load", "-i", str(archive))
    yield Daemon(str(folder / "d" / "docker.sock"))
    daemon.close()


@pytest.mark.parametrize("state", STATES)
def test_each_verb_answers_as_dockerd_does(engine, dockerd, state):
    ours = Daemon(str(engine.socket))
    differences = {}
    for verb in VERBS:
        wanted, found = expected(*dockerd.try_verb(state, verb)), ours.try_verb(state, verb)
        if wanted != found:
            differences[verb] = (wanted, found)
    dockerd.remove()
    ours.remove()
    assert not differences, "".join(f"\n{verb}: {wanted} but here {found}" for verb, (wanted, found) in differences.items())


def test_verbs_on_one_instance_wait_for_each_other_and_those_on_others_do_not(engine, name):
    others = [f"{name}-{i}" for i in range(3)]
    for each in (name, *others):
        engine.berth("run", "-d", "--name", each, IMAGE, "sleep", "1000")
    subject = engine.inspect(name)
    keeper = ledger.keeper_of(subject["State"]["Pid"])
    os.kill(keeper, signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(engine.berth, "pause", subject["Id"])
            # it has begun when another has to wait for it
            names = (f"{name}-new-{i}" for i in itertools.count())
            while not waits(second := pool.submit(engine.berth, "rename", subject["Id"], last := next(names))):
                assert not first.done()
            for each in others:
                engine.berth("pause", each)
                engine.berth("unpause", each)
                assert engine.out("exec", each, "echo", "here") == "here"
            assert not first.done() and not second.done()
            os.kill(keeper, signal.SIGCONT)
            first.result(30)
            second.result(30)
    finally:
        os.kill(keeper, signal.SIGCONT)
    renamed = engine.inspect(last)
    assert renamed["Id"] == subject["Id"] and renamed["State"]["Paused"]


def waits(request):
    """Whether a request that takes a moment is still not done."""
    try:
        request.result(1)
        return False
    except TimeoutError:
        return True


def test_of_many_equal_verbs_at_once_each_finds_the_state_that_another_left(engine, name):
    engine.berth("create", "--name", name, IMAGE, "sleep", "1000")
    ours = Daemon(str(engine.socket))
    for verb, good, rest in (("/start", 204, 304), ("/pause", 204, 409), ("/unpause", 204, 409), ("/stop?t=0", 204, 304)):
        with ThreadPoolExecutor(8) as pool:
            answers = sorted(pool.map(lambda _: ours.ask("POST", f"/containers/{name}{verb}")[0], range(8)))
        assert answers.count(good) >= 1 and set(answers) <= {good, rest}
        assert answers.count(good) == 1 or verb.startswith("/stop")  # those that wait for the same end have all stopped it
    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(lambda _: ours.ask("DELETE", f"/containers/{name}")[0], range(8)))
    assert answers.count(204) == 1 and set(answers) <= {204, 404, 409}
