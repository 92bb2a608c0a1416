# SPDX-License-Identifier: Apache-2.0
"""The registry client against a real registry, with skopeo as the other client; no engine."""
import json
import os
import pathlib
import subprocess
import threading

import pytest

from hostile import Image, digest, layer_tar
from registry import Registry

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = pathlib.Path(os.environ.get("BERTH_BUILD", ROOT / "build")) / "test" / "tools" / "registry-tool"


@pytest.fixture
def tool(tmp_path):
    def run(*words, check=True):
        done = subprocess.run([TOOL, "--state", tmp_path / "state", "--verbose", *words], capture_output=True,
                              text=True, timeout=120)
        result = json.loads(done.stdout.splitlines()[0])
        assert not check or "error" not in result, result
        return result | {"told": done.stderr}

    return run


def layout(folder, *images):
    """An OCI layout with an index of images, for skopeo."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    entries = []
    for image in images:
        for data in [*image.blobs.values(), image.manifest]:
            (blobs / digest(data)[7:]).write_bytes(data)
        entries.append({"mediaType": image.document["mediaType"], "digest": digest(image.manifest),
                        "size": len(image.manifest),
                        "platform": {"os": "linux", "architecture": json.loads(image.config)["architecture"]}})
    index = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
                        "manifests": entries}).encode()
    (blobs / digest(index)[7:]).write_bytes(index)
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    top = index if len(images) > 1 else images[0].manifest
    media = "index" if len(images) > 1 else "manifest"
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [
        {"mediaType": f"application/vnd.oci.image.{media}.v1+json", "digest": digest(top), "size": len(top),
         "annotations": {"org.opencontainers.image.ref.name": "x"}}]}))
    return f"oci:{folder}:x", digest(top)


def skopeo(*words):
    return subprocess.run(["skopeo", *words], check=True, capture_output=True, text=True).stdout


def make_image(**config):
    return Image([layer_tar({"name": os.urandom(100)}), layer_tar({"data": os.urandom(3 << 20)})], **config)


def test_pushed_under_another_name_it_is_the_same_image(registry, tool, tmp_path):
    image = make_image()
    source, top = layout(tmp_path / "layout", image)
    skopeo("copy", "--dest-tls-verify=false", source, f"docker://{registry.host}/first/name:1")
    assert tool("pull", f"{registry.host}/first/name:1")["digest"] == top
    # the store of the second client knows nothing of the first name
    pushed = subprocess.run([TOOL, "--state", tmp_path / "state", "push", f"{registry.host}/first/name:1"],
                            capture_output=True, text=True)
    assert json.loads(pushed.stdout)["digest"] == top
    back = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{registry.host}/first/name:1"))
    assert back["Digest"] == top


def test_what_the_registry_lost_is_sent_again(registry, tool, tmp_path):
    image = make_image()
    source, top = layout(tmp_path / "layout", image)
    with Registry(tmp_path / "second") as second:
        skopeo("copy", "--dest-tls-verify=false", source, f"docker://{second.host}/a/b:1")
        tool("pull", f"{second.host}/a/b:1")
        data = second.folder / "data" / "docker" / "registry" / "v2"
        port = second.port
    subprocess.run(["rm", "-rf", data], check=True)
    again = Registry(tmp_path / "second")
    again.port, again.host = port, f"localhost:{port}"
    with again:
        result = tool("push", f"{again.host}/a/b:1")
        assert result["digest"] == top and result["told"].count("uploaded") == 2
        assert "exists" in tool("push", f"{again.host}/a/b:1")["told"]
        skopeo("copy", "--src-tls-verify=false", f"docker://{again.host}/a/b:1", f"oci:{tmp_path}/back:x")
    index = json.loads((tmp_path / "back" / "index.json").read_text())
    assert index["manifests"][0]["digest"] == top


def test_an_index_gives_the_image_for_the_platform(registry, tool, tmp_path):
    amd, arm = make_image(), make_image(architecture="arm64", variant="v8")
    source, top = layout(tmp_path / "layout", amd, arm)
    skopeo("copy", "--all", "--dest-tls-verify=false", source, f"docker://{registry.host}/multi/arch:1")
    here = tool("--platform", "linux/amd64", "pull", f"{registry.host}/multi/arch:1")
    assert here["digest"] == top and here["manifest"] == digest(amd.manifest)
    assert tool("--platform", "linux/amd64", "pull", f"{registry.host}/multi/arch:1")["up_to_date"]
    there = tool("--platform", "linux/arm64", "pull", f"{registry.host}/multi/arch@{top}")
    assert there["manifest"] == digest(arm.manifest)
    described = tool("describe", f"{registry.host}/multi/arch:1")
    assert described["platforms"] == ["linux/amd64", "linux/arm64/v8"] and described["digest"] == top


@pytest.mark.parametrize("packing", ["gzip", "zstd", "none"])
def test_layers_of_every_packing_are_pulled(registry, tool, tmp_path, packing):
    source, _ = layout(tmp_path / "layout", make_image())
    name = f"docker://{registry.host}/packed/{packing}:1"
    if packing == "none":
        plain = make_image()
        plain = Image([layer_tar({"x": b"plain"})], packed=lambda tar: tar)
        plain.document["layers"][0]["mediaType"] = "application/vnd.oci.image.layer.v1.tar"
        source, _ = layout(tmp_path / "plain", plain)
        skopeo("copy", "--preserve-digests", "--dest-tls-verify=false", source, name)
    else:
        skopeo("copy", "--dest-compress-format", packing, "--format=oci", "--dest-tls-verify=false", source, name)
    assert "image" in tool("pull", name[9:])


def test_docker_manifests_are_pulled_and_pushed_as_they_are(registry, tool, tmp_path):
    source, _ = layout(tmp_path / "layout", make_image())
    name = f"{registry.host}/docker/kind:1"
    skopeo("copy", "--format=v2s2", "--dest-tls-verify=false", source, f"docker://{name}")
    before = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{name}"))["Digest"]
    assert tool("pull", name)["digest"] == before
    assert tool("push", name)["digest"] == before
    described = tool("describe", name)
    assert described["media_type"].startswith("application/vnd.docker.") and described["digest"] == before


def test_basic_authentication_against_a_real_registry(tool, tmp_path):
    source, top = layout(tmp_path / "layout", make_image())
    with Registry(tmp_path / "locked", user="anna", password="s3cret:x") as r:
        skopeo("copy", "--dest-tls-verify=false", "--dest-creds=anna:s3cret:x", source, f"docker://{r.host}/p/q:1")
        assert tool("pull", f"{r.host}/p/q:1", check=False)["code"] == "EACCES"
        wrong = ["--user", "anna", "--password", "wrong"]
        right = ["--user", "anna", "--password", "s3cret:x"]
        assert tool(*wrong, "pull", f"{r.host}/p/q:1", check=False)["code"] == "EACCES"
        assert tool(*wrong, "login", r.host, check=False)["code"] == "EACCES"
        tool(*right, "login", r.host)
        assert tool(*right, "pull", f"{r.host}/p/q:1")["digest"] == top
        assert tool(*right, "push", f"{r.host}/p/q:1")["digest"] == top
        assert tool(*right, "tags", f"{r.host}/p/q")["tags"] == ["1"]


class TlsRegistry(Registry):
    def config(self):
        return super().config().replace("http: {", f"http: {{tls: {{certificate: {self.folder}/cert.pem, key: "
                                        f"{self.folder}/key.pem}}, ")

    def wait(self):
        import socket
        import time
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)


def certificate(folder):
    folder.mkdir(parents=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-days", "2", "-subj", "/CN=test",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)


def test_certificates_are_verified_by_the_operators_authorities(tool, tmp_path):
    source, top = layout(tmp_path / "layout", make_image())
    certificate(tmp_path / "tls")
    with TlsRegistry(tmp_path / "tls") as r:
        skopeo("copy", "--dest-tls-verify=false", source, f"docker://{r.host}/t/l:1")
        name = f"{r.host}/t/l:1"
        unknown = tool("pull", name, check=False)
        assert "image" not in unknown and "certificate" in unknown["error"].lower()
        certs = tmp_path / "certs.d"
        (certs / r.host).mkdir(parents=True)
        (certs / r.host / "ca.crt").write_bytes((tmp_path / "tls" / "cert.pem").read_bytes())
        assert tool("--certs", str(certs), "pull", name)["digest"] == top
        assert tool("--certs", str(certs), "push", name)["digest"] == top
        # another authority than the server's: refused, also where the server would be asked by http
        certificate(tmp_path / "other")
        (certs / r.host / "ca.crt").write_bytes((tmp_path / "other" / "cert.pem").read_bytes())
        assert tool("--certs", str(certs), "pull", name, check=False)["code"] == "EKEYREJECTED"
        assert tool("--insecure", r.host, "pull", name)["digest"] == top


def test_two_clients_push_the_same_layer_at_once(registry, tool, tmp_path):
    image = make_image()
    source, top = layout(tmp_path / "layout", image)
    name = f"{registry.host}/both/push:1"
    skopeo("copy", "--dest-tls-verify=false", source, f"docker://{name}")
    tool("pull", name)
    other = threading.Thread(target=skopeo, args=("copy", "--dest-tls-verify=false", source,
                                                  f"docker://{registry.host}/both/push:2"))
    other.start()
    assert tool("push", name)["digest"] == top
    other.join()
