# SPDX-License-Identifier: Apache-2.0
"""`berth run`: what the program gets, and what comes back."""
import os
import pty
import subprocess

import pytest

IMAGE = "busybox:latest"


@pytest.fixture
def run(engine, flags):
    def call(*words, **options):
        return engine.berth("run", "--rm", *flags, *words, **options)
    return call


def test_output_and_exit_code_come_back(run):
    done = run(IMAGE, "sh", "-c", "echo out; echo err >&2; exit 7", check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("out\n", "err\n", 7)


def test_a_program_ended_by_a_signal_gives_128_and_its_number(run):
    assert run("--init", IMAGE, "sh", "-c", "kill -9 $$", check=False).returncode == 137
    assert run("--init", IMAGE, "sh", "-c", "kill -TERM $$", check=False).returncode == 143


def test_a_missing_program_gives_127_and_names_it(run):
    done = run(IMAGE, "no-such-program", check=False)
    assert done.returncode == 127
    assert "no-such-program" in done.stderr


def test_a_program_that_cannot_be_executed_gives_126(run):
    assert run(IMAGE, "/etc/passwd", check=False).returncode == 126
    assert run(IMAGE, "/etc", check=False).returncode == 126


def test_a_request_that_the_engine_refuses_gives_125(run):
    done = run("-w", "relative/path", IMAGE, "true", check=False)
    assert done.returncode == 125
    assert run("-w", "/absolute/path", IMAGE, "pwd").stdout == "/absolute/path\n"


def test_an_image_that_is_nowhere_gives_125_and_is_named(run):
    done = run("--pull", "never", "localhost:1/no/such-image:1", "true", check=False)
    assert done.returncode == 125
    assert "no/such-image" in done.stderr


def test_the_command_of_the_image_runs_when_none_is_given(run):
    assert run("-i", IMAGE, input="echo from-stdin\n").stdout == "from-stdin\n"


def test_the_environment_is_the_images_then_the_files_then_the_flags(run, tmp_path):
    (tmp_path / "env").write_text("# a comment\nFROM_FILE=1\nBOTH=file\n\nSPACES= kept \n")
    out = run("--env-file", str(tmp_path / "env"), "-e", "BOTH=flag", "-e", "EMPTY=", "-e", "HERE", IMAGE, "env",
              env={**os.environ, "HERE": "from-here"}).stdout.splitlines()
    assert {"FROM_FILE=1", "BOTH=flag", "EMPTY=", "HERE=from-here", "SPACES= kept "} <= set(out)
    assert any(line.startswith("PATH=/usr/local/sbin:") for line in out)
    assert any(line.startswith("HOSTNAME=") for line in out)
    assert "HOME=/root" in out


@pytest.mark.parametrize("user, expected", [
    ("app", "uid=1000(app) gid=1000(app) groups=1000(app),1001(extra)"),
    ("1000", "uid=1000(app) gid=1000(app) groups=1000(app),1001(extra)"),
    ("app:0", "uid=1000(app) gid=0(root)"),
    ("4711:4712", "uid=4711 gid=4712"),
    ("4711", "uid=4711 gid=0(root)"),
    ("nobody:extra", "uid=65534(nobody) gid=1001(extra)"),
])
def test_the_user_is_found_in_the_images_own_files(run, user, expected):
    assert run("-u", user, IMAGE, "id").stdout.startswith(expected)


@pytest.mark.parametrize("user", ["nosuchuser", "app:nosuchgroup", "-1", "4294967295", "4294967296", "0x0", "1 ", "+1"])
def test_a_user_that_does_not_exist_is_refused(run, user):
    done = run(f"--user={user}", IMAGE, "id", check=False)
    assert done.returncode in (125, 126)
    assert "uid=" not in done.stdout


def test_home_follows_the_user(run):
    assert run("-u", "app", IMAGE, "sh", "-c", "echo $HOME").stdout == "/home\n"
    assert run("-u", "app", "-e", "HOME=/srv", IMAGE, "sh", "-c", "echo $HOME").stdout == "/srv\n"


def test_the_host_name_is_the_short_id_or_what_was_asked(run):
    assert run("--hostname", "web.example", IMAGE, "hostname").stdout == "web.example\n"
    assert len(run(IMAGE, "hostname").stdout.strip()) == 12
    assert "web" in run("--hostname", "web", IMAGE, "cat", "/etc/hosts").stdout


def test_entrypoint_replaces_the_images_and_drops_its_command(run):
    assert run("--entrypoint", "/bin/echo", IMAGE, "a", "b").stdout == "a b\n"
    assert run("--entrypoint", "/bin/pwd", IMAGE).stdout == "/\n"


def test_init_is_process_one_and_reaps(run):
    out = run("--init", IMAGE, "sh", "-c", "(sleep 0.1 &) ; sleep 0.4; ps -o pid,comm,stat; echo $$").stdout
    assert out.splitlines()[-1] != "1"
    assert "Z" not in [line.split()[-1] for line in out.splitlines()[1:-1]]
    assert run(IMAGE, "sh", "-c", "echo $$").stdout == "1\n"


def test_init_passes_signals_and_exit_codes_on(run):
    assert run("--init", IMAGE, "sh", "-c", "exit 9", check=False).returncode == 9


def test_a_read_only_root_stays_read_only_but_tmpfs_is_writable(run):
    done = run("--read-only", "--tmpfs", "/scratch:size=1m,mode=1777", IMAGE, "sh", "-c",
               "echo x > /scratch/f && cat /scratch/f; echo y > /f", check=False)
    assert done.stdout == "x\n" and done.returncode != 0
    assert "Read-only file system" in done.stderr
    assert run(IMAGE, "sh", "-c", "echo y > /f && cat /f").stdout == "y\n"


def test_a_tmpfs_has_its_size(run):
    done = run("--tmpfs", "/scratch:size=1m", IMAGE, "sh", "-c", "dd if=/dev/zero of=/scratch/f bs=64k count=32", check=False)
    assert done.returncode != 0
    assert run("--tmpfs", "/scratch:size=4m", IMAGE, "sh", "-c",
               "dd if=/dev/zero of=/scratch/f bs=64k count=32 2>/dev/null && echo ok").stdout == "ok\n"


def test_input_reaches_the_program_and_its_end_too(run):
    data = "x" * 300000 + "\n"
    assert run("-i", IMAGE, "cat", input=data).stdout == data
    assert run(IMAGE, "cat", input="not passed on").stdout == ""


def test_much_output_arrives_whole(run):
    done = run(IMAGE, "sh", "-c", "dd if=/dev/zero bs=1M count=20 2>/dev/null | tr '\\0' a", text=False)
    assert len(done.stdout) == 20 << 20 and set(done.stdout[:4096]) == {ord("a")}


def test_a_terminal_is_one_with_its_size(engine, flags):
    master, slave = pty.openpty()
    import fcntl
    import struct
    import termios
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 111, 0, 0))
    process = subprocess.Popen(engine.command("run", "--rm", "-it", *flags, IMAGE, "sh", "-c",
                                              "sleep 0.3; stty size; tty; test -t 0 && echo is-a-terminal; exit 3"),
                               stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    out = b""
    while True:
        try:
            chunk = os.read(master, 4096)
        except OSError:
            break
        if not chunk:
            break
        out += chunk
    assert process.wait(30) == 3
    text = out.decode().replace("\r", "")
    assert "33 111" in text and "is-a-terminal" in text and "/dev/pts/0" in text


def test_detach_keys_leave_the_program_running(engine, flags, name):
    master, slave = pty.openpty()
    process = subprocess.Popen(engine.command("run", "-it", *flags, "--name", name, IMAGE, "sh"),
                               stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    shown = b""
    while b"# " not in shown:
        shown += os.read(master, 4096)
    os.write(master, b"\x10\x11")
    assert process.wait(30) == 0
    assert engine.inspect(name)["State"]["Running"] is True


def test_detached_prints_the_id_and_returns(engine, flags, name):
    identifier = engine.out("run", "-d", *flags, "--name", name, IMAGE, "sleep", "1000")
    assert len(identifier) == 64
    assert engine.inspect(name)["Id"] == identifier


def test_a_name_in_use_is_refused_and_free_again_after_rm(engine, flags, name):
    engine.berth("create", *flags, "--name", name, IMAGE)
    done = engine.berth("create", *flags, "--name", name, IMAGE, check=False)
    assert done.returncode != 0 and "already in use" in done.stderr
    engine.berth("rm", name)
    engine.berth("create", *flags, "--name", name, IMAGE)


def test_rm_leaves_nothing_behind(engine, run, name):
    run("--name", name, IMAGE, "touch", "/file")
    assert engine.out("ps", "-aq", "--filter", f"name={name}") == ""


def test_the_signal_that_ends_the_client_ends_the_program(engine, flags, name):
    process = subprocess.Popen(engine.command("run", "--rm", *flags, "--name", name, IMAGE, "sh", "-c",
                                              "trap 'echo got-term; exit 5' TERM; echo ready; while :; do sleep 0.05; done"),
                               stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
    assert process.stdout.readline() == "ready\n"
    process.terminate()
    assert process.stdout.read() == "got-term\n"
    assert process.wait(30) == 5


def test_timing_names_the_phases(run):
    done = run("--timing", IMAGE, "true")
    assert done.stderr.strip(), "no phases were printed"
    assert "ms" in done.stderr or "us" in done.stderr
