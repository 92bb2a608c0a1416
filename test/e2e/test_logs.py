# SPDX-License-Identifier: Apache-2.0
"""Log drivers: files that rotate, the system's journal, none; and `logs` over all of them."""
import datetime
import pathlib
import subprocess
import time

import images
import journal
import pytest
from conftest import IMAGE_FOLDER
from engine import Engine

IMAGE = "busybox:latest"
SMALL = ["--log-opt", "max-size=4k", "--log-opt", "max-file=100"]


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def numbers(first, last):
    return "".join(f"{n}\n" for n in range(first, last + 1))


# ---- Files ------------------------------------------------------------------------------------

def test_a_log_in_many_files_reads_as_one(engine, name, flags):
    engine.berth("run", "--name", name, *flags, *SMALL, IMAGE, "seq", "1", "2000")
    folder = pathlib.Path(engine.inspect(name)["LogPath"]).parent
    assert len(list(folder.glob("log.*"))) > 10
    assert max(path.stat().st_size for path in folder.glob("log*")) <= 4096
    assert engine.berth("logs", name).stdout == numbers(1, 2000)
    for tail in (0, 1, 5, 100, 777, 1999, 2000, 5000):
        assert engine.berth("logs", "--tail", tail, name).stdout == numbers(max(1, 2001 - tail), 2000)


def test_only_so_many_files_are_kept(engine, name):
    engine.berth("run", "--name", name, "--log-opt", "max-size=4k", "--log-opt", "max-file=3", IMAGE, "seq", "1", "5000")
    folder = pathlib.Path(engine.inspect(name)["LogPath"]).parent
    assert len(list(folder.glob("log*"))) == 3
    shown = engine.berth("logs", name).stdout
    assert shown == numbers(5001 - shown.count("\n"), 5000)
    assert engine.berth("logs", "--tail", "7", name).stdout == numbers(4994, 5000)


def test_following_goes_on_across_rotations(engine, name, flags):
    engine.berth("run", "-di", "--name", name, *flags, *SMALL, IMAGE, "sh", "-c", "echo 0; read x; seq 1 3000")
    wait_for(lambda: engine.out("logs", name) == "0")
    followers = [subprocess.Popen(engine.command("logs", *words, name), stdout=subprocess.PIPE, text=True)
                 for words in (["-f"], ["-f", "--tail", "1"], ["-f", "--tail", "0"])]
    assert [f.stdout.readline() for f in followers[:2]] == ["0\n", "0\n"]
    engine.berth("attach", name, input="\n")
    told = [f.communicate(timeout=60)[0] for f in followers]
    assert told[:2] == [numbers(1, 3000)] * 2
    assert [f.returncode for f in followers] == [0, 0, 0]
    assert told[2].endswith(numbers(2900, 3000))


def test_a_slow_follower_of_a_flood_ends_and_tells_whole_lines(engine, name):
    engine.berth("run", "-d", "--name", name, "--log-opt", "max-size=8k", "--log-opt", "max-file=2", IMAGE, "seq", "1", "200000")
    follower = subprocess.Popen(engine.command("logs", "-f", name), stdout=subprocess.PIPE, text=True)
    engine.berth("wait", name)
    told = follower.communicate(timeout=60)[0].split()
    assert follower.returncode == 0 and told[-1] == "200000"
    assert all(int(a) < int(b) for a, b in zip(told, told[1:]))


def test_reading_a_log_that_is_written_all_the_while_comes_to_an_end(engine, name):
    engine.berth("run", "-d", "--name", name, "--log-opt", "max-size=64k", "--log-opt", "max-file=3", IMAGE, "yes")
    while not engine.out("logs", "--tail", "1", name):
        pass
    wait_for(lambda: engine.out("logs", "--tail", "1", name) == "y")
    for words, most in ([], float("inf")), (["--tail", "1000"], 1000):
        shown = engine.berth("logs", *words, name, timeout=20).stdout
        # files may go before the reader comes to them, but what it tells is whole
        assert set(shown.split("\n")) <= {"y", ""} and shown.count("\n") <= most
    engine.berth("rm", "-f", name)


def test_since_and_until_hold_across_files(engine, name):
    script = "seq 1 1000; read x; seq 1001 2000"
    engine.berth("run", "-di", "--name", name, *SMALL, IMAGE, "sh", "-c", script)
    wait_for(lambda: engine.out("logs", "--tail", "1", name) == "1000")
    middle = datetime.datetime.now(datetime.timezone.utc).isoformat()
    engine.berth("attach", name, input="\n")
    engine.berth("wait", name)
    assert engine.berth("logs", "--until", middle, name).stdout == numbers(1, 1000)
    assert engine.berth("logs", "--since", middle, name).stdout == numbers(1001, 2000)
    assert engine.berth("logs", "--until", middle, "--tail", "3", name).stdout == numbers(998, 1000)
    assert engine.berth("logs", "-f", "--until", middle, name, timeout=20).stdout == numbers(1, 1000)
    assert engine.berth("logs", "--since", "1h", "--until", "0s", "--tail", "2", name).stdout == numbers(1999, 2000)
    stamped = engine.berth("logs", "-t", name).stdout.splitlines()
    stamps = [line.split(" ")[0] for line in stamped]
    assert len(stamped) == 2000 and stamps == sorted(stamps) and all(stamp.endswith("Z") for stamp in stamps)


def test_details_are_the_chosen_labels_and_variables(engine, name):
    engine.berth("run", "--name", name, "--label", "owner=the team", "--label", "other=x", "-e", "STAGE=a,b",
                 "--log-opt", "labels=owner,absent", "--log-opt", "env=STAGE", "--log-opt", "tag={{.Name}}/{{.ID}}", IMAGE, "echo", "hello")
    identifier = engine.inspect(name)["Id"][:12]
    assert engine.berth("logs", "--details", name).stdout == f"STAGE=a%2Cb,owner=the+team,tag={name}%2F{identifier} hello\n"
    assert engine.berth("logs", name).stdout == "hello\n"


def test_inspect_shows_driver_options_and_path(engine, name):
    engine.berth("create", "--name", name, "--log-driver", "local", "--log-opt", "max-size=1m", IMAGE)
    shown = engine.inspect(name)
    assert shown["HostConfig"]["LogConfig"] == {"Type": "local", "Config": {"max-size": "1m"}}
    assert shown["LogPath"] == str(engine.state / "instances" / shown["Id"] / "log")


@pytest.mark.parametrize("words, said", [
    (["--log-driver", "syslog"], "logger: no log driver named 'syslog' is registered"),
    (["--log-opt", "colour=red"], "unknown log opt 'colour' for json-file log driver"),
    (["--log-driver", "journald", "--log-opt", "max-size=1m"], "unknown log opt 'max-size' for journald log driver"),
    (["--log-opt", "max-size=0"], "invalid value for max-size: 0"),
    (["--log-opt", "max-file=x"], "invalid value for max-file: x"),
    (["--log-opt", "tag={{.Secret}}"], "invalid value for tag: {{.Secret}}"),
])
def test_what_a_driver_does_not_know_is_refused(engine, name, words, said):
    refused = engine.berth("create", "--name", name, *words, IMAGE, check=False)
    assert refused.returncode == 1 and said in refused.stderr
    assert engine.berth("inspect", name, check=False).returncode != 0


def test_the_driver_none_keeps_nothing_and_says_so(engine, name, flags):
    assert engine.out("run", "--name", name, *flags, "--log-driver", "none", IMAGE, "echo", "shown") == "shown"
    refused = engine.berth("logs", name, check=False)
    assert refused.returncode == 1 and "configured logging driver does not support reading" in refused.stderr
    shown = engine.inspect(name)
    assert shown["LogPath"] == "" and shown["HostConfig"]["LogConfig"]["Type"] == "none"
    assert not (engine.state / "instances" / shown["Id"] / "log").exists()


# ---- The journal ------------------------------------------------------------------------------

@pytest.fixture
def journal_engine(tmp_path):
    """An engine whose journal is what was made in the same folder."""
    made = []

    def make():
        engine = Engine().start(preexec_fn=journal.enter(tmp_path))
        made.append(engine)
        engine.berth("load", "-i", images.make("busybox", IMAGE_FOLDER), timeout=600)
        return engine

    yield make
    for engine in made:
        engine.close()


def test_the_journal_gets_each_line_with_dockers_fields(tmp_path, journal_engine, name):
    listener = journal.Listener(tmp_path)
    engine = journal_engine()
    engine.berth("run", "-d", "--name", name, "--log-driver", "journald", "--label", "owner=the team", "--log-opt", "labels=owner",
                 "--log-opt", "tag=t/{{.Name}}", IMAGE, "sh", "-c", "echo hello; echo oops >&2; head -c 20000 /dev/zero | tr '\\0' x; echo")
    identifier = engine.inspect(name)["Id"]
    common = {"CONTAINER_ID": identifier[:12], "CONTAINER_ID_FULL": identifier, "CONTAINER_NAME": name, "CONTAINER_TAG": f"t/{name}",
              "IMAGE_NAME": IMAGE, "SYSLOG_IDENTIFIER": f"t/{name}", "OWNER": "the team"}
    got = sorted((listener.next() for _ in range(4)), key=lambda message: (message["MESSAGE"], len(message["MESSAGE"])))
    assert [(m["PRIORITY"], len(m["MESSAGE"]), m.get("CONTAINER_PARTIAL_MESSAGE")) for m in got] == [
        ("6", 5, None), ("3", 4, None), ("6", 20000 - 16384, None), ("6", 16384, "true")]
    for message in got:
        assert {key: message[key] for key in common} == common
        assert message["SYSLOG_TIMESTAMP"].endswith("Z")
    assert engine.inspect(name)["LogPath"] == ""
    engine.berth("wait", name)
    listener.close()


def test_a_journal_that_takes_nothing_holds_back_its_program_alone(tmp_path, journal_engine, name):
    listener = journal.Listener(tmp_path)
    engine = journal_engine()
    engine.berth("run", "-d", "--name", name, "--log-driver", "journald", IMAGE, "yes")
    listener.next()
    for _ in range(3):
        started = time.monotonic()
        assert engine.out("exec", name, "echo", "alive") == "alive"
        assert engine.out("run", "--rm", IMAGE, "echo", "twin") == "twin"
        assert time.monotonic() - started <= 5
    started = time.monotonic()
    engine.berth("rm", "-f", name)
    assert time.monotonic() - started <= 5
    listener.close()


def test_without_a_journal_the_start_is_refused(tmp_path, journal_engine, name):
    journal.make_run(tmp_path)
    engine = journal_engine()
    refused = engine.berth("run", "--name", name, "--log-driver", "journald", IMAGE, "true", check=False)
    assert refused.returncode == 125 and "journald is not enabled on this host" in refused.stderr
    assert engine.berth("run", "--rm", IMAGE, "echo", "twin").stdout == "twin\n"


def test_what_journald_keeps_is_read_back(tmp_path, journal_engine, name):
    journald = journal.Journald(tmp_path)
    try:
        wait_for(journald.socket.exists)
        engine = journal_engine()
        engine.berth("run", "-di", "--name", name, "--log-driver", "journald", "-e", "STAGE=test", "--log-opt", "env=STAGE",
                     IMAGE, "sh", "-c", "seq 1 500; echo oops >&2; read x; head -c 20000 /dev/zero | tr '\\0' x; echo; seq 501 1000")
        wait_for(lambda: engine.berth("logs", name).stderr == "oops\n")
        shown = engine.berth("logs", name)
        assert shown.stdout == numbers(1, 500)
        follower = subprocess.Popen(engine.command("logs", "-f", "--tail", "2", name), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert follower.stdout.readline() == "500\n"
        middle = datetime.datetime.now(datetime.timezone.utc).isoformat()
        engine.berth("attach", name, input="\n")
        out, errors = follower.communicate(timeout=60)
        rest = "x" * 20000 + "\n" + numbers(501, 1000)
        assert (out, errors) == (rest, "oops\n")
        assert engine.berth("logs", name).stdout == numbers(1, 500) + rest
        assert engine.berth("logs", "--tail", "3", name).stdout == numbers(998, 1000)
        assert engine.berth("logs", "--tail", "1", "--details", name).stdout == "STAGE=test 1000\n"
        stamps = [line.split(" ")[0] for line in engine.berth("logs", "-t", name).stdout.splitlines()]
        assert stamps == sorted(stamps)
        assert engine.berth("logs", "--until", middle, name).stdout == numbers(1, 500)
        assert engine.berth("logs", "--since", middle, name).stdout == rest
    finally:
        journald.close()
