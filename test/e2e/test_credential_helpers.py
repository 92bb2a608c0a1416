# SPDX-License-Identifier: Apache-2.0
"""Programs that keep secrets for docker and for us, by docker's protocol."""
import json
import os
import pathlib
import uuid

import pytest

from registry import Registry

HELPER = """#!/usr/bin/python3
import json, pathlib, sys
kept = pathlib.Path({folder!r})
kept.mkdir(exist_ok=True)
text = sys.stdin.read().strip()
name = lambda server: kept / server.replace("/", "_")
if sys.argv[1] == "store":
    name(json.loads(text)["ServerURL"]).write_text(text)
elif not name(text).exists():
    print("credentials not found in native keychain")
    sys.exit(1)
elif sys.argv[1] == "get":
    print(name(text).read_text())
else:
    name(text).unlink()
"""


@pytest.fixture
def helper(tmp_path):
    name = "berth-test-" + uuid.uuid4().hex[:8]
    path = pathlib.Path("/usr/local/bin") / f"docker-credential-{name}"
    path.write_text(HELPER.format(folder=str(tmp_path / "kept")))
    path.chmod(0o755)
    yield name
    path.unlink()


def test_a_helper_keeps_the_secret_and_the_file_does_not(engine, helper, image_archive, tmp_path):
    folder = tmp_path / ".docker"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"credsStore": helper}))
    home = {"env": {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}}
    with Registry(tmp_path / "locked", user="anna", password="s3cret") as locked:
        source = locked.push(image_archive("busybox"), "kept/elsewhere:1")
        engine.berth("login", "-u", "anna", "--password-stdin", locked.host, input="s3cret", **home)
        text = (folder / "config.json").read_text()
        assert json.loads(text)["auths"] == {locked.host: {}}
        assert list((tmp_path / "kept").iterdir())
        engine.berth("pull", source, **home)
        engine.berth("logout", locked.host, **home)
        assert not list((tmp_path / "kept").iterdir())
        assert engine.berth("pull", source, check=False, **home).returncode != 0


def test_a_helper_outside_the_folders_of_programs_is_not_run(engine, image_archive, tmp_path):
    evil = tmp_path / "bin" / "docker-credential-evil"
    evil.parent.mkdir()
    evil.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    evil.chmod(0o755)
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text(json.dumps({"credsStore": "evil"}))
    home = {"env": {"HOME": str(tmp_path), "PATH": f"{evil.parent}:{os.environ['PATH']}"}}
    with Registry(tmp_path / "open") as r:
        done = engine.berth("pull", r.push(image_archive("busybox"), "x/y:1"), check=False, **home)
    assert done.returncode != 0 and "docker-credential-evil" in done.stderr
    assert not (tmp_path / "ran").exists()
