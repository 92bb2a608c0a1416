# SPDX-License-Identifier: Apache-2.0
"""Debian's docker-registry and skopeo on the other side."""
import json
import subprocess

import pytest

from registry import Registry


def skopeo_digest(reference, *options):
    done = subprocess.run(["skopeo", "inspect", "--tls-verify=false", *options, f"docker://{reference}"],
                          check=True, capture_output=True, text=True)
    return json.loads(done.stdout)["Digest"]


def test_pulled_by_tag_and_by_digest_run_pushed_and_pulled_back_equal(engine, registry, image_archive, tmp_path):
    source = registry.push(image_archive("busybox"), "library/first:1")
    digest = skopeo_digest(source)
    assert digest in engine.out("pull", source)
    assert engine.out("run", "--rm", source, "echo", "by-tag") == "by-tag"
    by_digest = f"{registry.host}/library/first@{digest}"
    engine.berth("pull", by_digest)
    assert engine.out("run", "--rm", by_digest, "echo", "by-digest") == "by-digest"

    engine.berth("tag", source, f"{registry.host}/other/name:2")
    engine.berth("push", f"{registry.host}/other/name:2")
    assert skopeo_digest(f"{registry.host}/other/name:2") == digest
    subprocess.run(["skopeo", "copy", "--quiet", "--src-tls-verify=false", f"docker://{registry.host}/other/name:2",
                    f"oci:{tmp_path}/back:1"], check=True)
    index = json.loads((tmp_path / "back" / "index.json").read_text())
    assert index["manifests"][0]["digest"] == digest
    engine.berth("rmi", source, f"{registry.host}/other/name:2", check=False)


def test_zstd_layers_are_pulled(engine, registry, image_archive):
    subprocess.run(["skopeo", "copy", "--quiet", "--dest-tls-verify=false", "--dest-compress-format", "zstd",
                    "--format=oci",
                    f"oci-archive:{image_archive('busybox')}", f"docker://{registry.host}/z/std:1"], check=True)
    engine.berth("pull", f"{registry.host}/z/std:1")
    assert engine.out("run", "--rm", f"{registry.host}/z/std:1", "echo", "ok") == "ok"
    engine.berth("rmi", f"{registry.host}/z/std:1")


def test_run_pulls_what_is_missing_and_pull_again_says_up_to_date(engine, registry, image_archive):
    source = registry.push(image_archive("busybox"), "lazy/image:1")
    engine.berth("rmi", source, check=False)
    done = engine.berth("run", "--rm", source, "echo", "pulled")
    assert done.stdout == "pulled\n" and "Unable to find image" in done.stderr
    assert "up to date" in engine.out("pull", source)


def test_a_missing_image_or_registry_is_named(engine, registry):
    done = engine.berth("pull", f"{registry.host}/no/such:1", check=False)
    assert done.returncode != 0 and "no/such" in done.stderr
    assert engine.berth("pull", "localhost:1/no/registry:1", check=False).returncode != 0
    assert engine.berth("pull", "Not A Reference", check=False).returncode != 0


@pytest.fixture
def locked(tmp_path):
    with Registry(tmp_path / "locked", user="anna", password="s3cret") as r:
        yield r


def test_login_pull_and_logout(engine, locked, image_archive, tmp_path):
    source = locked.push(image_archive("busybox"), "private/image:1")
    home = {"env": {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}}
    assert engine.berth("pull", source, check=False, **home).returncode != 0
    wrong = engine.berth("login", "-u", "anna", "--password-stdin", locked.host, input="wrong", check=False, **home)
    assert wrong.returncode != 0
    engine.berth("login", "-u", "anna", "--password-stdin", locked.host, input="s3cret", **home)
    config = tmp_path / ".docker" / "config.json"
    assert locked.host in json.loads(config.read_text())["auths"] and config.stat().st_mode & 0o077 == 0
    engine.berth("pull", source, **home)
    engine.berth("tag", source, f"{locked.host}/private/again:1")
    engine.berth("push", f"{locked.host}/private/again:1", **home)
    engine.berth("logout", locked.host, **home)
    assert engine.berth("push", f"{locked.host}/private/again:1", check=False, **home).returncode != 0
