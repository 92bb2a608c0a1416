# SPDX-License-Identifier: Apache-2.0
"""What a registry can do to us (class M of the threat model), each lie beside its honest twin.

The client is driven by build/test/tools/registry-tool: no engine, a store of its own for each test.
"""
import base64
import gzip
import json
import os
import pathlib
import subprocess
import time

import pytest

from hostile import CONFIG, DOCKER, INDEX, LAYER, MANIFEST, OCI, Hostile, Image, digest, layer_tar

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = pathlib.Path(os.environ.get("BERTH_BUILD", ROOT / "build")) / "test" / "tools" / "registry-tool"
QUICK = ["--backoff-ms", "10", "--attempts", "3", "--stall-ms", "1000"]


@pytest.fixture
def evil():
    with Hostile() as r:
        yield r


@pytest.fixture
def sink():
    """A second server, which must not see any credentials."""
    with Hostile() as r:
        yield r


@pytest.fixture
def image():
    return Image([layer_tar({"a": b"first"}), layer_tar({"b": os.urandom(300000)})])


class Client:
    def __init__(self, state):
        self.state = state

    def all(self, *words, timeout=60):
        done = subprocess.run([TOOL, "--state", self.state, *QUICK, *words], capture_output=True, text=True,
                              timeout=timeout)
        assert done.returncode in (0, 1), done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def __call__(self, *words, **more):
        return self.all(*words, **more)[0]

    def pull(self, reference, *options, **more):
        return self(*options, "pull", reference, **more)

    def refused(self, reference, *options, code="EBADMSG", says="", **more):
        """The pull fails as told and leaves nothing: no blob, no layer, no temporary file."""
        result = self.pull(reference, *options, **more)
        assert result.get("code") == code and says in result["error"], result
        assert result["rss_kib"] < 64 * 1024
        left = [str(p) for p in self.state.rglob("*") if p.is_file() and "berth.db" not in p.name]
        assert [p for p in left if "tmp" not in p] == []
        return result

    def holds(self, image):
        return all((self.state / "blobs" / "sha256" / name.split(":")[1]).exists() for name in image.layers)


@pytest.fixture
def client(tmp_path):
    return Client(tmp_path / "state")


def test_an_honest_image_is_pulled_by_tag_and_by_digest(evil, image, client):
    reference = evil.serve(image)
    result = client.pull(reference)
    assert result["image"] == digest(image.config) and result["digest"] == digest(image.manifest)
    assert not result["up_to_date"] and client.holds(image)
    assert client.pull(reference)["up_to_date"]
    assert client.pull(evil.serve_manifest(image.manifest))["image"] == digest(image.config)
    assert len(evil.seen("GET", "/blobs/")) == 3, "nothing is fetched twice"


# -- lengths, digests, sizes


@pytest.mark.parametrize("extra", [-1, 1, 10 ** 6])
def test_a_layer_of_another_length_is_refused(evil, image, client, extra):
    evil.lies["blob"] = lambda q, name: name == image.layers[1] and q.send(
        200, image.blobs[name], length=len(image.blobs[name]) + extra)
    client.refused(evil.serve(image), says="promised")


def test_a_layer_that_ends_early_each_time_is_refused(evil, image, client):
    def cut(q, name):
        if name == image.layers[1]:
            q.send_response(200)
            q.end_headers()
            q.wfile.write(image.blobs[name][:100])
            q.close_connection = True
            return True

    evil.lies["blob"] = cut
    client.refused(evil.serve(image), says="promised")


@pytest.mark.parametrize("which", ["layer", "config"])
def test_other_bytes_of_the_right_length_are_refused(evil, image, client, which):
    target = image.layers[1] if which == "layer" else digest(image.config)
    good = image.blobs[target]
    evil.lies["blob"] = lambda q, name: name == target and q.send(200, good[:-1] + bytes([good[-1] ^ 1]))
    client.refused(evil.serve(image))


def test_the_right_digest_with_the_wrong_size_is_refused(evil, image, client):
    image.document["layers"][1]["size"] += 1
    client.refused(evil.serve(image), says="promised")
    image.document["layers"][1]["size"] -= 1
    image.document["config"]["size"] -= 1
    client.refused(evil.serve(image), says="promised")


def test_a_layer_that_unpacks_to_something_else_is_refused(evil, client):
    image = Image([layer_tar({"a": b"1"})])
    other = json.loads(image.config)
    other["rootfs"]["diff_ids"] = [digest(b"something else")]
    image.document["config"] = image.add(json.dumps(other).encode(), CONFIG)
    client.refused(evil.serve(image))


def test_a_manifest_by_digest_must_have_that_digest(evil, image, client):
    other = Image([layer_tar({"x": b"y"})])
    evil.serve(other)
    reference = evil.serve(image)
    evil.lies["manifest"] = lambda q, ref: q.send(200, other.manifest, MANIFEST)
    client.refused(reference.rsplit(":", 1)[0] + "@" + digest(image.manifest), says="digest")


def test_the_digest_header_must_be_true(evil, image, client):
    evil.lies["manifest"] = lambda q, ref: q.command == "GET" and q.send(
        200, image.manifest, MANIFEST, Docker_Content_Digest=digest(b"else"))
    client.refused(evil.serve(image), says="digest")
    evil.lies["manifest"] = lambda q, ref: q.command == "GET" and q.send(
        200, image.manifest, MANIFEST, Docker_Content_Digest="sha256:../../../etc/passwd")
    client.refused(evil.serve(image), says="digest")


def test_a_tag_that_moves_between_head_and_get_gives_one_whole_image(evil, image, client):
    second = Image([layer_tar({"other": b"tag"})])
    evil.serve(second)
    reference = evil.serve(image)
    evil.lies["manifest"] = lambda q, ref: q.command == "GET" and q.send(200, second.manifest, MANIFEST)
    assert client.pull(reference)["image"] == digest(second.config)


# -- media types, shapes


@pytest.mark.parametrize("outer,inner,shape,good", [
    (MANIFEST, MANIFEST, "image", True), (MANIFEST, None, "image", True), (None, MANIFEST, "image", True),
    ("application/json", MANIFEST, "image", True), (MANIFEST + "; charset=utf-8", MANIFEST, "image", True),
    (DOCKER + "v2+json", DOCKER + "v2+json", "image", True), (INDEX, INDEX, "index", True),
    (DOCKER + "list.v2+json", DOCKER + "list.v2+json", "index", True), (INDEX, None, "index", True),
    (INDEX, MANIFEST, "image", False), (MANIFEST, INDEX, "image", False), (INDEX, INDEX, "image", False),
    (INDEX, None, "image", False), (MANIFEST, None, "index", False), (MANIFEST, MANIFEST, "index", False),
    (MANIFEST, INDEX, "index", False), (INDEX, INDEX, "both", False), (MANIFEST, MANIFEST, "both", False),
    (None, None, "both", False), (DOCKER + "v2+json", MANIFEST, "image", False),
])
def test_media_types_inside_and_outside_must_agree(evil, image, client, outer, inner, shape, good):
    evil.serve(image)
    document = {"schemaVersion": 2, "mediaType": inner}
    if not inner:
        del document["mediaType"]
    if shape in ("image", "both"):
        document |= {"config": image.document["config"], "layers": image.document["layers"]}
    if shape in ("index", "both"):
        document["manifests"] = [{"mediaType": MANIFEST, "digest": digest(image.manifest),
                                  "size": len(image.manifest), "platform": {"os": "linux", "architecture": "amd64"}}]
    data = json.dumps(document).encode()
    evil.lies["manifest"] = lambda q, ref: ref == "x" and q.send(200, data, outer)
    reference = f"{evil.host}/a/b:x"
    if good:
        assert client.pull(reference).get("image") == digest(image.config)
    else:
        client.refused(reference)


def test_what_is_no_image_is_named(evil, image, client):
    image.document["config"]["mediaType"] = "application/vnd.cncf.helm.config.v1+json"
    client.refused(evil.serve(image), code="EOPNOTSUPP", says="helm")
    evil.lies["manifest"] = lambda q, ref: q.send(200, b"<html>", "text/html")
    client.refused(f"{evil.host}/a/b:1")
    evil.lies["manifest"] = lambda q, ref: q.send(200, b'{"schemaVersion":1,"fsLayers":[]}')
    client.refused(f"{evil.host}/a/b:1", code="EOPNOTSUPP", says="schema 1")


def test_a_document_that_names_a_key_twice_is_refused(evil, image, client):
    data = image.manifest[:-1] + b',"layers":[]}'
    client.refused(evil.serve_manifest(data, "twice"), says="twice")


def index_of(data, media, **more):
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        {"mediaType": media, "digest": digest(data), "size": len(data), **more}]}).encode()


def test_indexes_may_nest_but_not_for_ever(evil, image, client):
    evil.serve(image)
    data, media = image.manifest, MANIFEST
    for depth in range(1, 7):
        data, media = index_of(data, media), INDEX
        reference = evil.serve_manifest(data, f"deep{depth}")
        if depth <= 3:
            assert client.pull(reference)["digest"] == digest(data)
    result = client.pull(f"{evil.host}/a/b:deep6")
    assert result["code"] == "EBADMSG" and "nested" in result["error"]


def test_an_index_that_leads_back_to_itself_is_refused(evil, image, client):
    data = index_of(image.manifest, INDEX)
    evil.lies["manifest"] = lambda q, ref: q.send(200, data, INDEX)
    client.refused(f"{evil.host}/a/b:loop")


def test_the_image_for_the_platform_is_chosen_or_its_lack_is_named(evil, image, client):
    other = Image([layer_tar({"arm": b"64"})], architecture="arm64")
    evil.serve(image, "amd")
    evil.serve(other, "arm")
    entries = [(image, "amd64"), (other, "arm64")]
    data = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        {"mediaType": MANIFEST, "digest": digest(i.manifest), "size": len(i.manifest),
         "platform": {"os": "linux", "architecture": a}} for i, a in entries]}).encode()
    reference = evil.serve_manifest(data, "both")
    assert client.pull(reference, "--platform", "linux/amd64")["image"] == digest(image.config)
    assert client.pull(reference, "--platform", "arm64")["image"] == digest(other.config)
    assert client.pull(reference, "--platform", "linux/s390x")["code"] == "ENOENT"
    assert client.pull(f"{evil.host}/a/b:arm", "--platform", "linux/amd64")["code"] == "ENOENT"


def test_an_index_may_not_promise_another_size(evil, image, client):
    evil.serve(image)
    data = json.loads(index_of(image.manifest, MANIFEST))
    data["manifests"][0]["size"] += 1
    client.refused(evil.serve_manifest(json.dumps(data).encode(), "size"), says="promised")


def test_a_million_descriptors_are_refused_quickly(evil, image, client):
    for count in (501, 20000, 200000):
        data = json.dumps(image.document | {"layers": image.document["layers"][:1] * count}).encode()
        started = time.monotonic()
        client.refused(evil.serve_manifest(data, "many"), code="EFBIG")
        assert time.monotonic() - started < 2
    evil.lies["manifest"] = lambda q, ref: q.send(200, b"[" * 10 ** 6, MANIFEST)
    assert client.pull(f"{evil.host}/a/b:deep")["code"] == "EBADMSG"


def test_layers_are_never_fetched_from_where_a_descriptor_says(evil, sink, image, client):
    image.document["layers"][0]["urls"] = [sink.url + "/layer"]
    image.document["layers"][0]["mediaType"] = OCI + "layer.nondistributable.v1.tar+gzip"
    client.pull(evil.serve(image))
    assert sink.log == []


# -- bodies and headers without an end


@pytest.mark.parametrize("kind", ["ping", "manifest", "token", "config"])
def test_small_answers_without_an_end_are_cut(evil, image, client, kind):
    reference = evil.serve(image)
    if kind == "config":
        evil.lies["blob"] = lambda q, name: name == digest(image.config) and q.pour(b" " * 65536)
    else:
        evil.lies[kind] = lambda q, *_: q.command == "GET" and q.pour(b" " * 65536)
    if kind == "token":
        evil.lies["ping"] = lambda q: q.send(401, WWW_Authenticate=f'Bearer realm="{evil.url}/token"')
    result = client.pull(reference)
    assert result["code"] in ("EFBIG", "EBADMSG"), result
    assert result["rss_kib"] < 64 * 1024 and evil.poured < 64 << 20


def test_a_layer_without_an_end_is_cut_at_its_promised_size(evil, image, client):
    evil.lies["blob"] = lambda q, name: name == image.layers[1] and q.pour(b"\0" * 65536)
    client.refused(evil.serve(image), code="EBADMSG")
    assert evil.poured < 32 << 20


def test_headers_without_an_end_are_cut(evil, image, client):
    def headers(q, ref):
        q.wfile.write(b"HTTP/1.1 200 OK\r\n")
        try:
            for i in range(100000):
                q.wfile.write(b"X-%d: %s\r\n" % (i, b"y" * 1000))
        except OSError:
            pass
        q.close_connection = True
        return True

    evil.lies["manifest"] = headers
    result = client.pull(evil.serve(image))
    assert result["code"] == "EFBIG" and result["rss_kib"] < 64 * 1024


@pytest.mark.parametrize("kind", ["manifest", "blob"])
def test_a_server_that_falls_silent_is_left(evil, image, client, kind):
    def silent(q, name):
        if q.command == "HEAD" or (kind == "blob" and name != image.layers[1]):
            return None
        q.send_response(200)
        q.send_header("Content-Length", "100000")
        q.end_headers()
        q.wfile.write(b"x" if kind == "manifest" else image.blobs[name][:1])
        q.server.closing.wait(20)
        q.close_connection = True
        return True

    evil.lies[kind] = silent
    started = time.monotonic()
    result = client.pull(evil.serve(image))
    assert result["code"] in ("ETIMEDOUT", "EBADMSG") and time.monotonic() - started < 40


# -- redirects


def test_a_redirect_is_followed_without_credentials(evil, sink, image, client):
    reference = evil.serve(image)
    sink.serve(image)
    evil.lies["ping"] = basic_ping
    evil.lies["blob"] = lambda q, name: q.send(307, Location=f"{sink.url}{q.path}")
    assert "image" in client.pull(reference, "--user", "u", "--password", "secret")
    assert sink.seen("GET", "/blobs/")
    assert_no_secret(sink)
    assert all("Authorization" in entry[2] for entry in evil.seen(path="/blobs/"))


def basic_ping(q):
    if "Authorization" not in q.headers:
        return q.send(401, WWW_Authenticate='Basic realm="x"')
    return q.send(200, b"{}")


def assert_no_secret(server):
    for _, path, headers in server.log:
        assert "Authorization" not in headers and "secret" not in path


def test_redirects_that_go_round_are_left(evil, image, client):
    evil.lies["blob"] = lambda q, name: q.send(307, Location=q.path)
    client.refused(evil.serve(image), says="redirects")
    assert len(evil.seen("GET", "/blobs/")) < 30


@pytest.mark.parametrize("target", [
    "file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/", "http://169.254.169.254/latest/meta-data",
    "http://example.com/x", "//169.254.169.254/x", "dict://127.0.0.1:1/", "http://user:pw@127.0.0.1/", "http://[", "",
    "\tx", "http://127.0.0.1:0/",
])
@pytest.mark.parametrize("kind", ["manifest", "blob"])
def test_redirects_to_other_protocols_and_places_are_refused(evil, image, client, target, kind):
    evil.lies[kind] = lambda q, name: q.send(302, Location=target)
    result = client.pull(evil.serve(image))
    assert result["code"] in ("EBADMSG", "EPROTO"), result
    assert "root:" not in result["error"]


# -- who gets credentials


def bearer(realm):
    def ping(q, *_):
        if q.headers.get("Authorization") != "Bearer good":
            return q.send(401, WWW_Authenticate=f'Bearer realm="{realm}",service="test"')
        return None

    return ping


def test_tokens_come_from_the_registrys_own_server(evil, image, client):
    reference = evil.serve(image)
    evil.lies["ping"] = evil.lies["manifest"] = evil.lies["blob"] = bearer(f"{evil.url}/token")
    assert "image" in client.pull(reference)
    assert "Authorization" not in evil.seen(path="/token")[0][2]
    evil.log.clear()
    assert "image" in client.pull(reference, "--user", "u", "--password", "secret")
    token = evil.seen(path="/token")
    assert len(token) == 1 and "scope=repository%3aa%2fb%3apull" in token[0][1] and "service=test" in token[0][1]
    assert token[0][2]["Authorization"] == "Basic " + base64.b64encode(b"u:secret").decode()


def test_identity_tokens_are_exchanged_and_never_sent_as_passwords(evil, image, client):
    reference = evil.serve(image)
    evil.lies["ping"] = evil.lies["manifest"] = bearer(f"{evil.url}/token")
    seen = []

    def token(q):
        seen.append(q.body)
        return q.send(200, b'{"access_token":"good"}')

    evil.lies["token"] = token
    assert "image" in client.pull(reference, "--identity-token", "refresh me")
    assert seen and b"refresh_token=refresh%20me" in seen[0] and b"grant_type=refresh_token" in seen[0]


def test_a_realm_elsewhere_does_not_get_the_credentials(evil, sink, image, client):
    reference = evil.serve(image)
    evil.lies["ping"] = evil.lies["manifest"] = evil.lies["blob"] = bearer(f"{sink.url}/token")
    refused = client.pull(reference, "--user", "u", "--password", "secret")
    assert refused["code"] == "EACCES" and sink.host.split(":")[1] in refused["error"]
    assert sink.log == []
    # without credentials there is nothing to lose, and with the operator's word it is meant
    assert "image" in client.pull(reference)
    assert_no_secret(sink)
    assert "image" in client.pull(reference, "--user", "u", "--password", "secret", "--token-server", sink.host)
    assert "Authorization" in sink.seen(path="/token")[-1][2]


@pytest.mark.parametrize("realm", ["file:///etc/passwd", "http://169.254.169.254/token", "http://example.com/token",
                                   "", "/token", "http://u:p@127.0.0.1/"])
def test_a_realm_that_is_no_place_for_tokens_is_refused(evil, image, client, realm):
    evil.lies["ping"] = evil.lies["manifest"] = bearer(realm)
    result = client.pull(evil.serve(image))
    assert result["code"] in ("EBADMSG", "EACCES"), result


def test_a_token_server_may_not_redirect(evil, sink, image, client):
    evil.lies["ping"] = evil.lies["manifest"] = bearer(f"{evil.url}/token")
    evil.lies["token"] = lambda q: q.send(307, Location=f"{sink.url}/token")
    assert client.pull(evil.serve(image), "--user", "u", "--password", "secret")["code"] == "EPROTO"
    assert sink.log == []


@pytest.mark.parametrize("token", ['"a\\r\\nX-Evil: 1"', '"a b"', '""', "1", "null", '"' + "x" * 100000 + '"'])
def test_a_token_that_is_no_token_is_refused(evil, image, client, token):
    evil.lies["ping"] = evil.lies["manifest"] = bearer(f"{evil.url}/token")
    evil.lies["token"] = lambda q: q.send(200, ('{"token":%s}' % token).encode())
    assert client.pull(evil.serve(image))["code"] in ("EBADMSG", "EFBIG")
    assert not any("X-Evil" in entry[2] for entry in evil.log)


def test_credentials_for_another_server_are_not_sent(evil, image, client):
    evil.lies["ping"] = basic_ping
    result = client.pull(evil.serve(image), "--user", "u", "--password", "secret", "--server", "ghcr.io")
    assert result["code"] == "EACCES"
    assert_no_secret(evil)


def test_a_storm_of_401_ends_soon(evil, image, client):
    evil.lies["ping"] = evil.lies["manifest"] = lambda q, *_: q.send(
        401, WWW_Authenticate=f'Bearer realm="{evil.url}/token"')
    assert client.pull(evil.serve(image), "--user", "u", "--password", "p")["code"] == "EACCES"
    assert len(evil.log) < 12
    evil.log.clear()
    evil.lies["manifest"] = lambda q, *_: q.send(401)
    assert client.pull(evil.serve(image))["code"] == "EACCES"
    assert len(evil.log) < 12


def test_a_token_that_ran_out_is_renewed_once(evil, image, client):
    reference = evil.serve(image)
    evil.lies["ping"] = bearer(f"{evil.url}/token")
    state = {"current": 0}

    def token(q):
        state["current"] += 1
        return q.send(200, json.dumps({"token": f"t{state['current']}"}).encode())

    def blob(q, name):
        if q.headers.get("Authorization") != "Bearer t2":
            return q.send(401, WWW_Authenticate=f'Bearer realm="{evil.url}/token",error="invalid_token"')
        return None

    evil.lies |= {"token": token, "blob": blob}
    assert "image" in client.pull(reference)
    assert state["current"] == 2


def test_login_checks_the_credentials(evil, client):
    secret = "Basic " + base64.b64encode(b"u:right").decode()
    evil.lies["ping"] = lambda q: q.send(200 if q.headers.get("Authorization") == secret else 401,
                                         WWW_Authenticate='Basic realm="x"')
    assert "error" not in client("--user", "u", "--password", "right", "login", evil.host)
    assert client("--user", "u", "--password", "wrong", "login", evil.host)["code"] == "EACCES"
    evil.lies["ping"] = bearer(f"{evil.url}/token")
    evil.lies["token"] = lambda q: q.send(200 if q.headers.get("Authorization") == secret else 401,
                                          b'{"token":"good","refresh_token":"keep"}')
    assert client("--user", "u", "--password", "right", "login", evil.host)["token"] == "keep"
    assert client("--user", "u", "--password", "wrong", "login", evil.host)["code"] == "EACCES"


# -- content encodings


def test_a_packed_manifest_that_nobody_asked_for_is_refused(evil, image, client):
    evil.lies["manifest"] = lambda q, ref: q.command == "GET" and q.send(
        200, gzip.compress(image.manifest), MANIFEST, Content_Encoding="gzip")
    client.refused(evil.serve(image))
    evil.lies["manifest"] = lambda q, ref: q.command == "GET" and q.send(
        200, gzip.compress(image.manifest), MANIFEST, Content_Encoding="gzip",
        Docker_Content_Digest=digest(image.manifest))
    client.refused(evil.serve(image), says="Content-Encoding")


def test_a_layer_that_is_labelled_gzip_is_still_taken_as_it_is(evil, image, client):
    evil.lies["blob"] = lambda q, name: q.send(200, image.blobs[name], Content_Encoding="gzip")
    assert "image" in client.pull(evil.serve(image))


# -- cuts, ranges, busy servers


def cut_after(image, pieces):
    """Each attempt gives the next piece of the large layer and then breaks."""
    left = list(pieces)

    def blob(q, name):
        if name != image.layers[1] or not left:
            return None
        start = int((q.headers.get("Range") or "bytes=0-")[6:-1])
        data = image.blobs[name]
        q.send_response(206 if start else 200)
        q.send_header("Content-Length", str(len(data) - start))
        if start:
            q.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        q.end_headers()
        q.wfile.write(data[start:start + left.pop(0)])
        q.close_connection = True
        return True

    return blob


def test_a_cut_layer_is_taken_up_where_it_broke(evil, image, client):
    evil.lies["blob"] = cut_after(image, [100000, 50000])
    assert "image" in client.pull(evil.serve(image)) and client.holds(image)
    ranges = [entry[2].get("Range") for entry in evil.seen("GET", image.layers[1])]
    assert ranges == [None, "bytes=100000-", "bytes=150000-"]


def test_a_layer_is_taken_up_by_the_next_pull(evil, image, client):
    evil.lies["blob"] = cut_after(image, [100000, 1000, 1000])
    assert client.pull(evil.serve(image))["code"] in ("ECONNRESET", "EBADMSG")
    evil.log.clear()
    assert "image" in client.pull(f"{evil.host}/a/b:1") and client.holds(image)


def test_a_server_that_knows_no_ranges_sends_all_again(evil, image, client):
    state = {"first": True}

    def blob(q, name):
        if name == image.layers[1] and state.pop("first", False):
            return cut_after(image, [100000])(q, name)
        return q.send(200, image.blobs[name])

    evil.lies["blob"] = blob
    assert "image" in client.pull(evil.serve(image)) and client.holds(image)


@pytest.mark.parametrize("lie", ["bytes 0-9/10", "bytes 100001-299999/300000", "nonsense", ""])
def test_another_range_than_was_asked_for_is_refused(evil, image, client, lie):
    state = {"first": True}

    def blob(q, name):
        if name != image.layers[1]:
            return None
        if state.pop("first", False):
            return cut_after(image, [100000])(q, name)
        return q.send(206, image.blobs[name][100000:], Content_Range=lie)

    evil.lies["blob"] = blob
    client.refused(evil.serve(image), says="range")


def test_a_second_half_of_other_bytes_is_refused(evil, image, client):
    state = {"first": True}

    def blob(q, name):
        if name != image.layers[1]:
            return None
        data = image.blobs[name]
        if state.pop("first", False):
            return cut_after(image, [100000])(q, name)
        return q.send(206, b"x" * (len(data) - 100000), Content_Range=f"bytes 100000-{len(data) - 1}/{len(data)}")

    evil.lies["blob"] = blob
    client.refused(evil.serve(image))


def test_one_byte_at_a_time_does_not_hold_us(evil, image, client):
    evil.lies["blob"] = cut_after(image, [1] * 100)
    assert "code" in client.pull(evil.serve(image))
    assert len(evil.seen("GET", image.layers[1])) <= 4


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_busy_server_is_asked_again_a_few_times(evil, image, client, status):
    state = {"left": 2}

    def busy(q, *_):
        if state["left"] > 0:
            state["left"] -= 1
            return q.send(status)
        return None

    for kind in ("ping", "manifest", "blob"):
        state["left"] = 2
        evil.lies[kind] = busy
        assert "image" in client.pull(evil.serve(image)), kind
    state["left"] = 10 ** 6
    evil.log.clear()
    assert "code" in client.pull(evil.serve(image))
    assert len(evil.log) < 20


def test_what_is_missing_is_said_in_the_registrys_words(evil, client):
    result = client.pull(f"{evil.host}/no/such:1")
    assert result["code"] == "ENOENT" and "manifest unknown" in result["error"] and "no/such:1" in result["error"]
    assert client.pull("127.0.0.1:1/no/registry")["code"] == "ECONNREFUSED"


def test_complaints_are_made_printable(evil, client):
    evil.lies["manifest"] = lambda q, ref: q.send(403, b'{"errors":[{"message":"\\u001b[2Jgo\\naway"}]}')
    result = client.pull(f"{evil.host}/a/b:1")
    assert result["code"] == "EACCES" and "go?away" in result["error"] and "\x1b" not in result["error"]


# -- several at once


def test_pulls_of_the_same_image_share_its_layers(evil, image, client):
    evil.lies["blob"] = lambda q, name: time.sleep(0.3)
    reference = evil.serve(image)
    results = client.all("pull", *[reference] * 4)
    assert all(r.get("image") == digest(image.config) for r in results), results
    assert len(evil.seen("GET", image.layers[1])) == 1


def test_a_pull_takes_over_where_another_was_refused(evil, image, client):
    state = {"first": True}

    def blob(q, name):
        if name == image.layers[1] and state.pop("first", False):
            time.sleep(0.3)
            return q.send(404)
        return None

    evil.lies["blob"] = blob
    results = client.all("pull", *[evil.serve(image)] * 3)
    assert sorted("image" in r for r in results) == [False, True, True]


def test_a_layer_listed_twice_is_fetched_once(evil, client):
    tar = layer_tar({"same": b"twice"})
    image = Image([tar, tar])
    assert "image" in client.pull(evil.serve(image))
    assert len(evil.seen("GET", image.layers[0])) == 1


def test_a_layer_listed_twice_must_be_the_same_twice(evil, client):
    tar = layer_tar({"same": b"twice"})
    image = Image([tar, tar])
    image.document["layers"][1]["size"] += 1
    client.refused(evil.serve(image), says="twice")
    other = Image([tar, tar], rootfs={"type": "layers", "diff_ids": [digest(tar), digest(b"other")]})
    client.refused(evil.serve(other), says="twice")


def test_a_cancelled_pull_leaves_no_image(evil, image, client):
    result = client.pull(evil.serve(image), "--cancel-after", "3")
    assert result["code"] == "ECANCELED"
    assert "image" in client.pull(f"{evil.host}/a/b:1")


# -- plain http


def test_plain_http_is_for_loopback_or_where_it_is_allowed(image, tmp_path):
    client = Client(tmp_path / "state")
    address = subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split()
    if not address:
        pytest.skip("this host has no address but the loopback's")
    with Hostile(address[0]) as far:
        reference = far.serve(image)
        assert "image" not in client.pull(reference)
        assert far.seen(path="/v2/") == []
        assert "image" in client.pull(reference, "--insecure", far.host)


# -- pushing


def test_an_upload_may_go_elsewhere_but_without_credentials(evil, sink, image, client):
    reference = evil.serve(image)
    client.pull(reference)
    evil.blobs.clear()
    evil.lies["ping"] = basic_ping
    got = {}

    def upload(q):
        if q.command == "POST":
            return q.send(202, Location=f"{sink.url}/v2/a/b/blobs/uploads/1")
        return None

    def take(q):
        if q.command == "PATCH":
            got[digest(q.body)] = len(q.body)
            return q.send(202, Location="/v2/a/b/blobs/uploads/1?state=x")
        assert q.command == "PUT" and "state=x&digest=sha256" in q.path
        return q.send(201)

    evil.lies["upload"] = upload
    evil.lies["manifest"] = lambda q, ref: q.command == "PUT" and q.send(201)
    sink.lies["upload"] = take
    result = client("--user", "u", "--password", "secret", "push", reference)
    assert result.get("digest") == digest(image.manifest), result
    assert set(got) == set(image.blobs)
    assert_no_secret(sink)


@pytest.mark.parametrize("target", ["file:///tmp/x", "http://169.254.169.254/x", "", None])
def test_an_upload_to_nowhere_is_refused(evil, image, client, target):
    reference = evil.serve(image)
    client.pull(reference)
    evil.blobs.clear()
    evil.lies["upload"] = lambda q: q.send(202, **({"Location": target} if target is not None else {}))
    assert client("push", reference)["code"] == "EBADMSG"


def test_a_broken_upload_is_taken_up_where_it_broke(evil, image, client):
    reference = evil.serve(image)
    client.pull(reference)
    evil.blobs.clear()
    stored = {}
    state = {"cut": True}

    def upload(q):
        where = "/v2/a/b/blobs/uploads/1"
        if q.command == "POST":
            stored.clear()
            stored["data"] = b""
            return q.send(202, Location=where)
        if q.command == "PATCH":
            if len(q.body) > 100000 and state.pop("cut", False):
                stored["data"] = q.body[:70000]
                q.close_connection = True
                return True
            if "Content-Range" in q.headers:
                assert q.headers["Content-Range"] == f"70000-{70000 + len(q.body) - 1}"
            stored["data"] += q.body
            return q.send(202, Location=where, Range=f"0-{len(stored['data']) - 1}")
        if q.command == "GET":
            return q.send(204, Location=where, Range=f"0-{len(stored['data']) - 1}")
        evil.blobs[digest(stored["data"])] = stored["data"]
        return q.send(201)

    evil.lies["upload"] = upload
    evil.lies["manifest"] = lambda q, ref: q.command == "PUT" and q.send(201)
    result = client("--parallel", "1", "push", reference)
    assert result.get("digest") == digest(image.manifest), result
    assert set(image.blobs) <= set(evil.blobs)


def test_a_registry_that_renames_the_manifest_is_named(evil, image, client):
    reference = evil.serve(image)
    client.pull(reference)
    evil.lies["manifest"] = lambda q, ref: q.command == "PUT" and q.send(201, Docker_Content_Digest=digest(b"x"))
    assert client("push", reference)["code"] == "EBADMSG"


# -- questions


def test_tags_are_listed_over_pages_and_not_for_ever(evil, client):
    pages = {"": ("a", "/v2/a/b/tags/list?last=a"), "last=a": ("b", None)}

    def tags(q, *_):
        name, following = pages[q.path.partition("?")[2]]
        more = {"Link": f'<{following}>; rel="next"'} if following else {}
        return q.send(200, json.dumps({"tags": [name]}).encode(), **more)

    evil.lies["tags"] = tags
    assert client("tags", f"{evil.host}/a/b")["tags"] == ["a", "b"]
    pages["last=a"] = ("b", "/v2/a/b/tags/list?last=a")
    assert len(client("tags", f"{evil.host}/a/b")["tags"]) <= 100
    pages[""] = ("../x", None)
    assert client("tags", f"{evil.host}/a/b")["code"] == "EBADMSG"


def test_an_image_is_described_without_fetching_it(evil, image, client):
    result = client("describe", evil.serve(image))
    assert result["digest"] == digest(image.manifest) and result["platforms"] == ["linux/amd64"]
    assert evil.seen("GET", image.layers[0]) == []
