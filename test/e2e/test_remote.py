# SPDX-License-Identifier: Apache-2.0
"""An engine reached from elsewhere: over mutual TLS, over ssh, and by the contexts that name them."""
import os
import socket
import subprocess
import time

import pytest
from engine import BIN

IMAGE = "busybox:latest"


def openssl(folder, *words):
    subprocess.run(["openssl", *map(str, words)], cwd=folder, check=True, capture_output=True)


def authority(folder, *names):
    """An authority and a folder of ca.pem, cert.pem, key.pem for each name."""
    folder.mkdir()
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key",
            "-out", "ca.pem", "-days", "2", "-subj", "/CN=test authority")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n")
    for name in names:
        (folder / name).mkdir()
        (folder / name / "ca.pem").write_bytes((folder / "ca.pem").read_bytes())
        openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                f"{name}/key.pem", "-out", "request", "-subj", f"/CN={name}")
        openssl(folder, "x509", "-req", "-in", "request", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "2", "-extfile", "names", "-out", f"{name}/cert.pem")
    return folder


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return authority(tmp_path_factory.mktemp("keys") / "ours", "server", "client")


@pytest.fixture
def door(engine, keys):
    """HOST:PORT where berth-tls serves the engine."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % s.getsockname()[1]
    server = subprocess.Popen([BIN / "berth-tls", "--listen", address, keys / "server", engine.socket],
                              stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", int(address.split(":")[1])), 1).close()
            break
        except OSError:
            assert time.monotonic() < deadline and server.poll() is None
            time.sleep(0.02)
    yield address
    server.kill()
    server.wait()


@pytest.fixture
def berth(tmp_path):
    """The command line with a configuration folder of its own."""
    def run(*words, check=True, **options):
        options.setdefault("stdin", subprocess.DEVNULL) if "input" not in options else None
        done = subprocess.run([BIN / "berth", "--config", tmp_path / "config", *map(str, words)], capture_output=True,
                              text=True, timeout=60, **options)
        assert not check or done.returncode == 0, (words, done.stdout, done.stderr)
        return done
    return run


def test_a_context_over_tls_runs_what_a_local_engine_runs(berth, door, keys, name):
    berth("context", "create", "far", "--docker", f"host=tcp://{door},tls={keys / 'client'}", "--description", "far away")
    berth("context", "use", "far")
    assert "far" in berth("context", "ls").stdout and berth("context", "show").stdout == "far\n"
    done = berth("run", "--rm", "-i", "--network", "none", IMAGE, "sh", "-c", "cat; echo err >&2; exit 6",
                 input="through\n" * 10000, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("through\n" * 10000, "err\n", 6)
    berth("run", "-d", "--name", name, "--network", "none", IMAGE, "sleep", "1000")
    assert berth("exec", name, "echo", "inside").stdout == "inside\n"
    assert name in berth("-c", "far", "ps").stdout
    berth("rm", "-f", name)
    berth("context", "use", "default")
    berth("context", "rm", "far")
    assert berth("-c", "far", "ps", check=False).returncode != 0


def test_dockers_own_client_comes_by_the_same_door(door, keys):
    c = keys / "client"
    done = subprocess.run(["docker", "--tlsverify", "--tlscacert", c / "ca.pem", "--tlscert", c / "cert.pem", "--tlskey",
                           c / "key.pem", "-H", f"tcp://{door}", "run", "--rm", "-i", "--network", "none", IMAGE, "cat"],
                          input="docker\n", capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "docker\n"), done.stderr


def test_who_has_no_certificate_of_the_authority_stays_outside(berth, door, keys, tmp_path):
    strange = authority(tmp_path / "strange", "client")
    for folder in strange / "client", tmp_path:
        done = berth("context", "create", "no", "--docker", f"host=tcp://{door},tls={folder}", check=False)
        if done.returncode == 0:
            assert berth("-c", "no", "ps", check=False).returncode != 0
            berth("context", "rm", "no")
    with socket.create_connection(("127.0.0.1", int(door.split(":")[1])), 10) as s:
        s.settimeout(20)
        try:
            s.sendall(b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n")
            assert b"OK" not in s.recv(1000)
        except ConnectionError:
            pass
    berth("context", "create", "yes", "--docker", f"host=tcp://{door},tls={keys / 'client'}")
    berth("-c", "yes", "ps")


@pytest.fixture
def ssh(tmp_path, engine, monkeypatch):
    """An ssh in PATH that is on the other host at once; what it was asked is in the file."""
    asked = tmp_path / "asked"
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(f"""#!/bin/sh
printf '%s\\n' "$@" > {asked}
while [ "$1" != -- ]; do shift; done
shift 2
BERTH_HOST={engine.host} PATH={BIN}:$PATH exec sh -c "$*"
""")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return asked


def test_an_engine_is_reached_over_ssh(berth, ssh, name):
    done = berth("-H", "ssh://me@far:2222", "run", "--rm", "-i", "--network", "none", IMAGE, "cat", input="over ssh\n")
    assert done.stdout == "over ssh\n"
    words = ssh.read_text().split("\n")
    assert "-p2222" in words and words[words.index("--") + 1] == "me@far"
    berth("context", "create", "far", "--docker", "host=ssh://far")
    assert berth("-c", "far", "version", "--format", "{{.Server.Os}}").stdout == "linux\n"


@pytest.mark.parametrize("url", ["ssh://-oProxyCommand=x", "ssh://me@-x", "ssh://far:x", "tcp://far", "http://far", "unix://"])
def test_an_address_that_is_none_is_refused_before_anything_runs(berth, ssh, url):
    done = berth("-H", url, "ps", check=False)
    assert done.returncode != 0 and not ssh.exists(), done.stderr
