# SPDX-License-Identifier: Apache-2.0
"""The API as a hostile or careless client meets it, each refusal beside its benign twin."""
import socket
import threading
import time

import pytest
from rawhttp import Raw

IMAGE = "busybox:latest"


@pytest.fixture
def raw(engine):
    return Raw(engine.socket)


def resident_kib(engine):
    with open(f"/proc/{engine.process.pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def open_descriptors(engine):
    import os
    return len(os.listdir(f"/proc/{engine.process.pid}/fd"))


HEAD = b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n"


AMBIGUOUS = [
    HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    HEAD + b"Transfer-Encoding: gzip\r\n\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
    HEAD + b"Content-Length: -1\r\n\r\n",
    HEAD + b"Content-Length: 18446744073709551616\r\n\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    b"GET /containers/%00/json HTTP/1.1\r\nHost: d\r\n\r\n",
    b"GET /containers/%c0%af/json HTTP/1.1\r\nHost: d\r\n\r\n",
    b"GET http://elsewhere/_ping HTTP/1.1\r\nHost: d\r\n\r\n",
    b"GET /_ping HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: d\r\n\r\n",
    b"GET /_ping HTTP/1.1\r\nHost: d\r\n" + b"X: " + b"a" * 1_000_000 + b"\r\n\r\n",
]


@pytest.mark.parametrize("request_bytes", AMBIGUOUS, ids=range(len(AMBIGUOUS)))
def test_K3_a_request_with_two_meanings_is_refused(raw, request_bytes):
    status, _ = raw.send(request_bytes)
    assert status == 0 or 400 <= status <= 505
    assert raw.ask("GET", "/_ping") == (200, "OK")


AMBIGUOUS_BODIES = [
    b'{"Image":"a","Image":"b"}', b"[" * 100_000, b'{"Image":' + b"[" * 1000, b'{"Image":"\xff"}', b'{"Image":1}',
    b'{"Image":"busybox","Cmd":"\\u0000"}', b'{"Image":"busybox"} trailing', b"null", b"NaN", b"",
    b'{"Image":"busybox","HostConfig":[]}', b'{"Image":"busybox","HostConfig":{"Memory":"1"}}',
]


@pytest.mark.parametrize("body", AMBIGUOUS_BODIES, ids=range(len(AMBIGUOUS_BODIES)))
def test_K3_a_body_that_two_readers_could_read_differently_is_refused(raw, body):
    status, answer = raw.ask("POST", "/containers/create", body)
    assert status in (400, 404), answer
    assert answer["message"]


def test_a_sound_body_is_accepted(engine, raw, name):
    status, answer = raw.ask("POST", f"/containers/create?name={name}",
                             {"Image": IMAGE, "Cmd": ["true"], "HostConfig": {"NetworkMode": "none"}})
    assert status == 201 and answer["Warnings"] == [] and len(answer["Id"]) == 64
    assert raw.ask("DELETE", f"/containers/{name}")[0] == 204


def test_L1_a_body_of_100_MB_is_refused_at_once(engine, raw):
    before = resident_kib(engine)
    start = time.monotonic()
    status, _ = raw.send(HEAD + b"Content-Length: 104857600\r\n\r\n" + b" " * 104857600)
    assert status in (0, 413) and time.monotonic() - start < 5
    status, _ = raw.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n6400000\r\n" + b" " * 104857600)
    assert status in (0, 413) and time.monotonic() - start < 10
    assert resident_kib(engine) - before < 32 * 1024


def test_L1_half_open_connections_do_not_stop_others(engine, raw):
    before, descriptors = resident_kib(engine), open_descriptors(engine)
    held = []
    for i in range(1000):
        s = raw.connect()
        s.sendall(b"GET /_ping HTTP/1.1\r\nHo" if i % 2 else b"")
        held.append(s)
    start = time.monotonic()
    assert raw.ask("GET", "/_ping") == (200, "OK")
    assert time.monotonic() - start < 2
    assert resident_kib(engine) - before < 64 * 1024
    for s in held:
        s.close()
    deadline = time.monotonic() + 20
    while open_descriptors(engine) > descriptors + 4 and time.monotonic() < deadline:
        raw.ask("GET", "/_ping")
        time.sleep(0.05)
    assert open_descriptors(engine) <= descriptors + 4


def test_L1_a_client_that_never_reads_stops_only_itself(engine, raw, name):
    engine.berth("run", "-d", "--network", "none", "--name", name, IMAGE, "sh", "-c",
                 "while :; do echo 0123456789012345678901234567890123456789; done")
    before = resident_kib(engine)
    stuck = []
    for target in ("/logs?stdout=1&follow=1", "/logs?stdout=1&follow=1", "/wait?condition=removed"):
        s = raw.connect()
        method = "POST" if "wait" in target else "GET"
        s.sendall(f"{method} /containers/{name}{target} HTTP/1.1\r\nHost: d\r\n\r\n".encode())
        stuck.append(s)
    time.sleep(1)
    assert raw.ask("GET", "/_ping") == (200, "OK")
    assert resident_kib(engine) - before < 64 * 1024
    assert raw.ask("DELETE", f"/containers/{name}?force=1")[0] == 204
    for s in stuck:
        s.close()


@pytest.mark.parametrize("method, target, status", [
    ("GET", "/containers/json?limit=x", 400),
    ("GET", "/containers/json?filters=%7B", 400),
    ("GET", "/containers/json?filters=%7B%22colour%22%3A%5B%22red%22%5D%7D", 400),
    ("GET", "/containers/none/json", 404),
    ("POST", "/containers/none/start", 404),
    ("POST", "/containers/none/kill?signal=NOPE", 400),
    ("POST", "/containers/create?name=..%2F..%2Fx", 400),
    ("GET", "/containers/..%2F..%2Fetc/json", 404),
    ("GET", "/images/..%2F..%2Fetc/json", (400, 404)),
    ("GET", "/images/get?names=none", 404),
    ("GET", "/v1.99/info", 400),
    ("GET", "/v1.10/info", 400),
    ("GET", "/nowhere", 404),
    ("PUT", "/info", 405),
])
def test_a_wrong_request_is_told_as_docker_does(raw, method, target, status):
    got, answer = raw.ask(method, target, {"Image": IMAGE} if "create" in target else None)
    assert got in (status if isinstance(status, tuple) else (status,))
    assert set(answer) == {"message"}


def test_an_upload_that_breaks_off_leaves_nothing(engine, raw, image_archive):
    before = engine.out("images", "-q")
    data = open(image_archive("busybox"), "rb").read()
    for length in (1, 513, len(data) // 2, len(data) - 1):
        with raw.connect() as s:
            s.sendall(b"POST /images/load HTTP/1.1\r\nHost: d\r\nContent-Length: %d\r\n\r\n" % len(data))
            s.sendall(data[:length])
    assert raw.ask("GET", "/_ping") == (200, "OK")
    assert engine.out("images", "-q") == before
    status, answer = raw.ask("POST", "/images/load", data)
    assert status == 200 and "Loaded image" in str(answer)


def test_attaching_without_an_upgrade_streams_the_output(engine, raw, name):
    engine.berth("create", "--network", "none", "--name", name, IMAGE, "echo", "hello")
    answer = {}

    def attach():
        answer["got"] = raw.ask("POST", f"/containers/{name}/attach?stream=1&stdout=1")

    thread = threading.Thread(target=attach)
    thread.start()
    with raw.connect() as s:  # the attach must be there first: its head has come
        del s
    time.sleep(0.5)
    engine.berth("start", name)
    thread.join(20)
    assert answer["got"][0] == 200 and "hello\n" in answer["got"][1]


def test_attaching_without_an_upgrade_takes_input(engine, raw, name):
    """As Docker's engine: 200 and a bare connection, whose sending half may be closed before the other."""
    engine.berth("create", "-i", "--network", "none", "--name", name, IMAGE, "sh", "-c", "cat; echo end")
    with raw.connect() as s:
        s.sendall(f"POST /containers/{name}/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: d\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += s.recv(1)
        assert head.startswith(b"HTTP/1.1 200 OK\r\n") and b"chunked" not in head
        engine.berth("start", name)
        s.sendall(b"in" * 100_000)
        s.shutdown(socket.SHUT_WR)
        got = b""
        while piece := s.recv(65536):
            got += piece
    frames = []
    while got:
        assert got[0] == 1
        size = int.from_bytes(got[4:8], "big")
        frames.append(got[8:8 + size])
        got = got[8 + size:]
    assert b"".join(frames) == b"in" * 100_000 + b"end\n"
    assert raw.ask("GET", "/_ping") == (200, "OK")


def test_keys_of_a_request_are_read_in_any_case(engine, raw, name):
    """Docker's engine does; docker-py sends "detachKeys" where the documents say "DetachKeys"."""
    status, made = raw.ask("POST", f"/containers/create?name={name}",
                           {"image": IMAGE, "CMD": ["true"], "hostConfig": {"networkMode": "none", "readonlyRootfs": True}},
                           ["Content-Type: application/json"])
    assert status == 201, made
    about = engine.inspect(name)
    assert about["Config"]["Cmd"] == ["true"]
    assert about["HostConfig"]["NetworkMode"] == "none" and about["HostConfig"]["ReadonlyRootfs"] is True
    status, why = raw.ask("POST", "/containers/create", {"Image": IMAGE, "HostConfig": {"portBindings": {"80/tcp": [{}]}}},
                          ["Content-Type: application/json"])
    assert status == 501 and "80/tcp" in why["message"]


def test_a_body_of_another_platform_is_refused(engine, raw):
    head = ["Content-Type: application/json"]
    status, why = raw.ask("POST", "/containers/create?platform=linux/s390x", {"Image": IMAGE}, head)
    assert status == 404 and "does not match the specified platform (linux/s390x)" in why["message"]
    import platform
    status, made = raw.ask("POST", f"/containers/create?platform=linux/{platform.machine()}", {"Image": IMAGE}, head)
    assert status == 201
    engine.berth("rm", made["Id"])


def test_events_tell_a_life(engine, raw, name):
    with raw.connect() as s:
        s.sendall(f"GET /events?filters=%7B%22container%22%3A%5B%22{name}%22%5D%7D HTTP/1.1\r\nHost: d\r\n\r\n".encode())
        seen = s.recv(65536)
        engine.berth("run", "--rm", "--network", "none", "--name", name, IMAGE, "true")
        while b'"Action":"destroy"' not in seen:
            piece = s.recv(65536)
            assert piece, seen
            seen += piece
    order = [seen.index(b'"Action":"%s"' % action) for action in (b"create", b"start", b"die", b"destroy")]
    assert order == sorted(order)
    assert b'"exitCode":"0"' in seen


def test_many_connections_at_once_are_all_answered(raw):
    failures = []

    def ask():
        for _ in range(20):
            if raw.ask("GET", "/containers/json?all=1")[0] != 200:
                failures.append(1)

    threads = [threading.Thread(target=ask) for _ in range(32)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert not failures


def test_a_socket_that_is_only_connected_is_no_client(raw):
    with raw.connect() as s:
        s.shutdown(socket.SHUT_WR)
        assert s.recv(1) == b""
