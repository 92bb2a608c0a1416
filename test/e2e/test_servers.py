# SPDX-License-Identifier: Apache-2.0
"""Redis, nginx and PostgreSQL from Debian's packages do their work, spoken to over a bind-mounted socket."""
import os
import socket
import time

import pytest


@pytest.fixture
def folder(tmp_path):
    os.chmod(tmp_path, 0o777)
    return tmp_path


def connect(path, seconds=60):
    deadline = time.monotonic() + seconds
    while True:
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(30)
        try:
            s.connect(str(path))
            return s
        except OSError:
            s.close()
            assert time.monotonic() < deadline, f"nothing answers at {path}"
            time.sleep(0.05)


def test_redis_keeps_a_value(engine, load_image, folder, name):
    engine.berth("run", "-d", "--name", name, "--network", "none", "-v", f"{folder}:/srv", load_image("redis"))
    with connect(folder / "redis.sock") as s:
        for command, answer in ((b"SET k v\r\n", b"+OK\r\n"), (b"GET k\r\n", b"$1\r\nv\r\n"), (b"INCR n\r\n", b":1\r\n")):
            s.sendall(command)
            assert s.recv(100) == answer
    engine.berth("stop", name)
    assert engine.inspect(name)["State"]["ExitCode"] == 0


def test_nginx_serves_a_file(engine, load_image, folder, name):
    (folder / "site").mkdir()
    (folder / "site" / "index.html").write_text("hello from nginx\n")
    (folder / "nginx.conf").write_text("events {}\nhttp { access_log off; server { listen unix:/srv/http.sock; root /srv/site; } }\n")
    engine.berth("run", "-d", "--name", name, "--network", "none", "-v", f"{folder}:/srv",
                 "-v", f"{folder}/nginx.conf:/etc/nginx/nginx.conf:ro", load_image("nginx"))
    with connect(folder / "http.sock") as s:
        s.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b""
        while chunk := s.recv(4096):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"hello from nginx\n")
    engine.berth("stop", name)
    assert engine.inspect(name)["State"]["ExitCode"] == 0


def test_postgres_answers_a_query(engine, load_image, folder, name):
    engine.berth("run", "-d", "--name", name, "--network", "none", "-v", f"{folder}:/srv", "--shm-size", "128m",
                 load_image("postgres"))
    connect(folder / ".s.PGSQL.5432", 120).close()
    query = "create table t(x int); insert into t select generate_series(1, 1000); select sum(x) from t"
    for _ in range(50):
        done = engine.berth("exec", "-u", "postgres", name, "psql", "-h", "/srv", "-qAtc", query, "postgres", check=False)
        if done.returncode == 0:
            break
        time.sleep(0.2)
    assert done.stdout.strip() == "500500", done.stderr
    engine.berth("stop", name)
    assert engine.inspect(name)["State"]["ExitCode"] == 0


def test_debian_is_the_debian_that_was_made(engine, load_image):
    image = load_image("debian")
    assert 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"' in engine.out("run", "--rm", image, "cat", "/etc/os-release")
    packages = engine.out("run", "--rm", "-u", "nobody", image, "sh", "-c", "dpkg -l | grep -c ^ii")
    assert int(packages) > 50
