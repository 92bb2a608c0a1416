# SPDX-License-Identifier: Apache-2.0
"""Redis, nginx and PostgreSQL from Debian's packages do their work: over a bind-mounted socket, and for their own clients."""
import os
import socket
import time

import pytest

QUERY = "create table t(x int); insert into t select generate_series(1, 1000); select sum(x) from t"


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
                 load_image("postgresql"))
    connect(folder / ".s.PGSQL.5432", 120).close()
    assert until_it_answers(engine, "-u", "postgres", name, "psql", "-h", "/srv", "-qAtc", QUERY, "postgres") == "500500"
    engine.berth("stop", name)
    assert engine.inspect(name)["State"]["ExitCode"] == 0


def until_it_answers(engine, *words, seconds=180):
    """What `exec WORDS` prints once it succeeds: a server takes its time, on an emulated processor more of it."""
    deadline = time.monotonic() + seconds
    while (done := engine.berth("exec", *words, check=False)).returncode != 0:
        assert time.monotonic() < deadline, done.stderr
        time.sleep(0.2)
    return done.stdout.strip()


# Each server again, spoken to by its own client inside of the instance: so it is the same in a machine.

def test_redis_answers_its_own_client(engine, load_image, name, flags):
    engine.berth("run", "-d", *flags, "--name", name, "--network", "none", load_image("redis"))

    def redis(*words):
        return engine.out("exec", name, "redis-cli", "-s", "/srv/redis.sock", *words)
    assert until_it_answers(engine, name, "redis-cli", "-s", "/srv/redis.sock", "-e", "ping") == "PONG"
    assert redis("set", "k", "v") == "OK" and redis("get", "k") == "v"
    assert redis("eval", "for i = 1, 1000 do redis.call('rpush', 'l', i) end return redis.call('llen', 'l')", "0") == "1000"
    engine.berth("stop", name)
    assert engine.inspect(name)["State"]["ExitCode"] == 0


def test_nginx_answers_a_client_inside(engine, load_image, name, flags):
    """The image has no HTTP client but perl's sockets, which every Debian has."""
    engine.berth("run", "-d", *flags, "--name", name, "--network", "none", load_image("nginx"))
    ask = ("use IO::Socket::INET; my $s = IO::Socket::INET->new('127.0.0.1:80') or die; "
           "print $s \"GET / HTTP/1.0\\r\\n\\r\\n\"; print while <$s>")
    answer = until_it_answers(engine, name, "perl", "-e", ask)
    assert answer.startswith("HTTP/1.1 200 OK") and "Welcome to nginx" in answer
    engine.berth("stop", name)
    assert engine.inspect(name)["State"]["ExitCode"] == 0


def test_postgres_answers_its_own_client(engine, load_image, name, flags):
    engine.berth("run", "-d", *flags, "--name", name, "--network", "none", "--shm-size", "128m", load_image("postgresql"))
    psql = ["-u", "postgres", name, "psql", "-h", "/srv", "-qAtc"]
    assert until_it_answers(engine, *psql, QUERY, "postgres") == "500500"
    assert engine.out("exec", *psql, "select count(*) from t", "postgres") == "1000"
    engine.berth("stop", "-t", "60", name, timeout=200)
    assert engine.inspect(name)["State"]["ExitCode"] == 0


def test_debian_is_the_debian_that_was_made(engine, load_image):
    image = load_image("debian")
    assert 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"' in engine.out("run", "--rm", image, "cat", "/etc/os-release")
    packages = engine.out("run", "--rm", "-u", "nobody", image, "sh", "-c", "dpkg -l | grep -c ^ii")
    assert int(packages) > 50
