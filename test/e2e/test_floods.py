# SPDX-License-Identifier: Apache-2.0
"""Class L: whatever one instance or one client does, the engine answers the others in time and does not grow."""
import contextlib
import os
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import ledger
from rawhttp import Raw

IMAGE = "busybox:latest"
IN_TIME_SECONDS = 5.0
GROWTH_KIB = 16 * 1024
LOG_BYTES = int(os.environ.get("BERTH_TEST_LOG_BYTES", str(64 << 20)))  # once by hand: 10 GiB
STUCK_SECONDS = 18


@contextlib.contextmanager
def answers_in_time(engine):
    """Asks `ps` all the while; at the end the slowest answer and the engine's memory must be within bounds."""
    over, slowest = threading.Event(), [0.0]
    before = ledger.resident_kib(engine.process.pid)

    def ask():
        while not over.is_set():
            started = time.monotonic()
            engine.berth("ps", timeout=60)
            slowest[0] = max(slowest[0], time.monotonic() - started)
            over.wait(0.05)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask)
        try:
            yield
        finally:
            over.set()
        asked.result()
    assert slowest[0] <= IN_TIME_SECONDS
    assert ledger.resident_kib(engine.process.pid) <= before + GROWTH_KIB


def keeper_kib(engine, name):
    return ledger.resident_kib(ledger.keeper_of(engine.inspect(name)["State"]["Pid"]))


def size_of_logs(folder):
    """Files may be renamed and removed while they are counted."""
    size = 0
    for path in folder.glob("log*"):
        with contextlib.suppress(FileNotFoundError):
            size += path.stat().st_size
    return size


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def test_L1_a_flood_of_output_fills_only_the_log_it_may(engine, name):
    with answers_in_time(engine):
        engine.berth("run", "-d", "--name", name, "--log-opt", "max-size=1m", "--log-opt", "max-file=3", IMAGE, "yes", "flood" * 10)
        follower = subprocess.Popen(engine.command("logs", "-f", name), stdout=subprocess.PIPE)
        folder = engine.state / "instances" / engine.inspect(name)["Id"]
        for _ in range(20):
            follower.stdout.read(4096)
            time.sleep(0.1)
            assert size_of_logs(folder) <= 3.5 * (1 << 20)
        follower.kill()
        follower.wait()
        follower.stdout.close()
        assert keeper_kib(engine, name) <= 8192
        assert engine.out("logs", "--tail", "1", name).startswith("flood")
        started = time.monotonic()
        engine.berth("rm", "-f", name)
        assert time.monotonic() - started <= 5


@pytest.mark.parametrize("verb", ["attach", "exec"])
def test_L1_a_reader_that_never_reads_holds_back_only_its_own_process(engine, name, verb):
    flood = ["sh", "-c", "yes flood"]
    engine.berth("run", "-d", "--name", name, IMAGE, *(flood if verb == "attach" else ["sleep", "1000"]))
    with answers_in_time(engine):
        words = ["attach", name] if verb == "attach" else ["exec", name, *flood]
        reader = subprocess.Popen(engine.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        time.sleep(1)
        before = keeper_kib(engine, name)
        time.sleep(1)
        assert keeper_kib(engine, name) <= before + 1024
        assert engine.out("exec", name, "echo", "alive") == "alive"
        reader.kill()
        reader.wait()
        reader.stdout.close()
        engine.berth("rm", "-f", name)


def test_L1_a_fork_bomb_stays_below_its_limit_and_can_be_removed(engine, name):
    with answers_in_time(engine):
        engine.berth("run", "-d", "--name", name, "--pids-limit", "100", IMAGE, "sh", "-c",
                     "bomb() { bomb | bomb & }; while :; do bomb; done 2>/dev/null")
        time.sleep(2)
        started = time.monotonic()
        engine.berth("rm", "-f", name)
        assert time.monotonic() - started <= 5
    assert engine.out("run", "--rm", "--pids-limit", "100", IMAGE, "echo", "twin") == "twin"


def test_L1_memory_bombs_are_ended_each_alone(engine):
    with answers_in_time(engine), ThreadPoolExecutor(4) as pool:
        bombs = [pool.submit(engine.berth, "run", "--rm", "-m", "16m", IMAGE, "sh", "-c", "tail /dev/zero", check=False)
                 for _ in range(4)]
        assert engine.out("run", "--rm", "-m", "64m", IMAGE, "echo", "twin") == "twin"
        assert {bomb.result().returncode for bomb in bombs} == {137}


def test_L1_thousands_of_events_with_a_subscriber_that_never_reads(engine, name):
    stuck = Raw(engine.socket).connect()
    stuck.sendall(b"GET /events HTTP/1.1\r\nHost: d\r\n\r\n")
    engine.berth("create", "--name", name, IMAGE, "true")
    raw = Raw(engine.socket)
    with answers_in_time(engine), ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda n: raw.ask("POST", f"/containers/{name}-{n % 2}/rename?name={name}-{(n + 1) % 2}")[0]
                             if n else raw.ask("POST", f"/containers/{name}/rename?name={name}-1")[0], range(1500)))
        wait_for(lambda: engine.out("ps", "-aq") != "")
    assert set(done) <= {204, 400, 404, 409} and done.count(204) > 100
    stuck.close()
    engine.berth("rm", "-f", f"{name}-0", f"{name}-1", check=False)


def test_L1_resizes_without_end_reach_only_their_terminal(engine, name):
    engine.berth("run", "-dt", "--name", name, IMAGE, "sleep", "1000")
    raw = Raw(engine.socket)
    with answers_in_time(engine), ThreadPoolExecutor(4) as pool:
        done = set(pool.map(lambda n: raw.ask("POST", f"/containers/{name}/resize?h={n % 70000}&w=80")[0], range(2000)))
    assert done <= {200, 400}
    assert engine.inspect(name)["State"]["Running"]


def test_L1_attaching_and_leaving_two_hundred_times_leaves_no_handle(engine, name):
    engine.berth("run", "-di", "--name", name, IMAGE, "cat")
    keeper = ledger.keeper_of(engine.inspect(name)["State"]["Pid"])
    before = ledger.settled(engine), ledger.descriptors(keeper)

    def visit(_):
        with Raw(engine.socket).connect() as s:
            s.sendall(f"POST /containers/{name}/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: d\r\n"
                      "Upgrade: tcp\r\nConnection: Upgrade\r\n\r\n".encode())
            s.recv(20)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(visit, range(200)))
    ledger.assert_settles(engine, before[0])
    wait_for(lambda: ledger.descriptors(keeper) == before[1])
    assert engine.inspect(name)["State"]["Running"]


def test_L1_all_of_a_long_log_is_taken_by_files_that_rotate(engine, name):
    with answers_in_time(engine):
        engine.berth("run", "-d", "--name", name, "--log-opt", "max-size=1m", "--log-opt", "max-file=3", IMAGE, "sh", "-c",
                     f"yes 'a line of a hundred bytes, which is about what programs write when they have something to say.....' | head -c {LOG_BYTES}; echo; echo last")
        started = time.monotonic()
        assert engine.out("wait", name, timeout=3600) == "0"
        seconds = time.monotonic() - started
        print(f"{LOG_BYTES} bytes of log in {seconds:.1f} s: {LOG_BYTES / seconds / 1e6:.0f} MB/s")
        folder = engine.state / "instances" / engine.inspect(name)["Id"]
        assert size_of_logs(folder) <= 3.1 * (1 << 20)
        assert engine.out("logs", "--tail", "1", name) == "last"


def handles(engine):
    """How many threads and descriptors the engine has."""
    return len(os.listdir(f"/proc/{engine.process.pid}/task")) + len(os.listdir(f"/proc/{engine.process.pid}/fd"))


@pytest.mark.parametrize("target", ["logs?stdout=1&follow=1", "stats"])
def test_L1_a_stream_that_is_never_read_ends_with_its_client(engine, name, target):
    engine.berth("run", "-d", "--name", name, "--log-opt", "max-size=1m", "--log-opt", "max-file=2", IMAGE, "yes", "flood")
    engine.out("exec", name, "true")
    before = handles(engine)
    with answers_in_time(engine):
        stuck = [Raw(engine.socket).connect() for _ in range(8)]
        for s in stuck:
            s.sendall(f"GET /containers/{name}/{target} HTTP/1.1\r\nHost: d\r\n\r\n".encode())
        assert engine.out("exec", name, "echo", "alive") == "alive"
        assert engine.out("run", "--rm", IMAGE, "echo", "twin") == "twin"
        for s in stuck:
            s.close()
    wait_for(lambda: handles(engine) <= before)


def test_L1_a_thousand_half_open_connections_and_slow_heads(engine):
    """Some say nothing, some begin a head and never end it; who asks is answered all the while."""
    held = []
    with answers_in_time(engine):
        for number in range(1000):
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(0.2)
            try:
                s.connect(str(engine.socket))
                s.sendall(b"GET /_ping HTTP/1.1\r\nX-Slow: " + b"a" * number if number % 2 else b"")
            except OSError:
                pass  # refused, which is an answer too
            held.append(s)
        for _ in range(5):
            assert engine.out("run", "--rm", IMAGE, "echo", "twin") == "twin"
        for s in held[1::20]:
            with contextlib.suppress(OSError):
                s.sendall(b"a")
    for s in held:
        s.close()
    assert engine.out("run", "--rm", IMAGE, "echo", "after") == "after"


def test_L1_a_body_of_a_hundred_megabytes_is_refused_and_a_fit_one_is_taken(engine, name):
    raw = Raw(engine.socket)
    size = 100_000_000
    with answers_in_time(engine):
        for head in (f"Content-Length: {size}", "Transfer-Encoding: chunked"):
            with raw.connect() as s:
                answer = b""
                with contextlib.suppress(OSError):
                    s.sendall(f"POST /containers/create?name={name} HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n{head}\r\n\r\n".encode())
                    piece = b'{"Labels":{"a":"' + b"x" * (1 << 20)
                    chunk = piece if "Length" in head else f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
                    for _ in range(size // len(piece)):
                        s.sendall(chunk)
                with contextlib.suppress(OSError):
                    answer = s.recv(4096)
                assert answer == b"" or answer.split()[1] in (b"400", b"413"), answer
    assert raw.ask("POST", f"/containers/create?name={name}", {"Image": IMAGE, "Labels": {"a": "x" * 1000}})[0] == 201


def freezer_of(engine, name):
    """The file that freezes an instance's processes from outside, and its two words."""
    for folder in ledger.cgroups_of([engine.inspect(name)["Id"]]):
        for file, words in (("freezer.state", ("FROZEN", "THAWED")), ("cgroup.freeze", ("1", "0"))):
            path = ledger.CGROUPS / folder / file
            if path.exists():
                return path, words
    pytest.fail("the instance has no freezer")


@pytest.mark.parametrize("verb", [["stop", "-t", "1"], ["rm", "-f"]])
def test_L1_a_workload_that_no_signal_reaches_is_told_of_in_time(engine, name, verb):
    """As one in state D: it is killed and does not end."""
    engine.berth("run", "-d", "--name", name, IMAGE, "sleep", "1000")
    path, (frozen, thawed) = freezer_of(engine, name)
    path.write_text(frozen)
    try:
        with answers_in_time(engine):
            started = time.monotonic()
            refused = engine.berth(*verb, name, check=False)
            assert time.monotonic() - started <= STUCK_SECONDS
        assert path.parent.exists()
        assert refused.returncode == 0 or "did not end" in refused.stderr
    finally:
        with contextlib.suppress(FileNotFoundError):
            path.write_text(thawed)
    engine.berth("rm", "-f", name, check=False)
    wait_for(lambda: engine.berth("inspect", name, check=False).returncode != 0)
