# SPDX-License-Identifier: Apache-2.0
"""Docker's own command line against the engine."""
import json
import subprocess

import pytest

IMAGE = "busybox:latest"


@pytest.fixture
def docker(engine):
    def call(*words, check=True, **options):
        options.setdefault("stdin", subprocess.DEVNULL) if "input" not in options else None
        done = subprocess.run(["docker", "-H", engine.host, *words], capture_output=True, timeout=120,
                              **{"text": True, **options})
        assert not check or done.returncode == 0, (words, done.stdout, done.stderr)
        return done
    return call


def test_version_and_info(docker):
    assert "Server" in docker("version").stdout
    assert json.loads(docker("info", "--format", "{{json .}}").stdout)["OSType"] == "linux"


def test_run_gives_output_and_exit_code(docker):
    done = docker("run", "--rm", "--network", "none", IMAGE, "sh", "-c", "echo out; echo err >&2; exit 7", check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("out\n", "err\n", 7)
    assert docker("run", "--rm", "-i", "--network", "none", IMAGE, "cat", input="through\n").stdout == "through\n"
    assert docker("run", "--rm", "--network", "none", IMAGE, "no-such", check=False).returncode == 127


def test_the_life_of_a_container(docker, name):
    identifier = docker("run", "-d", "--name", name, "--network", "none", IMAGE, "sh", "-c",
                        "echo started; trap 'exit 5' TERM; while :; do sleep 0.05; done").stdout.strip()
    assert len(identifier) == 64
    assert name in docker("ps").stdout
    assert docker("exec", name, "echo", "inside").stdout == "inside\n"
    assert docker("exec", name, "sh", "-c", "exit 6", check=False).returncode == 6
    assert json.loads(docker("inspect", name).stdout)[0]["Id"] == identifier
    assert docker("logs", name).stdout == "started\n"
    docker("stop", name)
    assert docker("wait", name).stdout == "5\n"
    assert name in docker("ps", "-a", "--filter", "status=exited").stdout
    docker("rm", name)
    assert "No such container" in docker("inspect", "--type", "container", name, check=False).stderr


def test_images_are_pulled_listed_saved_loaded_and_removed(docker, registry, image_archive, tmp_path):
    source = registry.push(image_archive("busybox"), "for/docker:1")
    docker("pull", source)
    assert "for/docker" in docker("images").stdout
    path = str(tmp_path / "saved.tar")
    docker("save", "-o", path, source)
    docker("rmi", source)
    assert source in docker("load", "-i", path).stdout
    assert docker("run", "--rm", "--network", "none", source, "echo", "ok").stdout == "ok\n"
    docker("rmi", source)


def test_a_wrong_request_is_an_error_not_a_crash(docker):
    assert docker("run", "--rm", "--name", "bad name", IMAGE, check=False).returncode == 125
    assert docker("rm", "no-such", check=False).returncode == 1
    assert docker("ps").returncode == 0
