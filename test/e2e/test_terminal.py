# SPDX-License-Identifier: Apache-2.0
"""Class G: what an image, an instance or a registry wrote does nothing to the terminal that shows it."""
import os
import pty
import subprocess
import time

import pytest

import roots

IMAGE = "busybox:latest"
ESCAPE = "\033]0;owned\a\033[31m\u009b5n"


def on_terminal(engine, *words):
    """What a terminal would get from the command line."""
    leader, follower = pty.openpty()
    done = subprocess.Popen(engine.command(*words), stdin=subprocess.DEVNULL, stdout=follower, stderr=follower)
    os.close(follower)
    out = b""
    try:
        while piece := os.read(leader, 65536):
            out += piece
    except OSError:
        pass  # the last one that had it open has closed it
    os.close(leader)
    done.wait(30)
    return out.decode(errors="replace")


@pytest.fixture
def evil(engine, tmp_path, name):
    """An image and an instance whose texts hold escape sequences."""
    config = {"Cmd": ["sh", "-c", f"# {ESCAPE}\nmkdir -p '/srv/{ESCAPE}'; echo ready; exec sleep 1000"], "Labels": {"word": ESCAPE},
              "Env": [f"E={ESCAPE}"]}
    image = roots.load(engine, tmp_path, "test/escapes:1", [], config)
    engine.berth("run", "-d", "--name", name, image)
    deadline = time.monotonic() + 20
    while "ready" not in engine.out("logs", name):
        assert time.monotonic() < deadline
    yield name
    engine.berth("rm", "-f", name, check=False)
    engine.berth("rmi", "-f", image, check=False)


@pytest.mark.parametrize("words", [["ps", "--no-trunc"], ["ps", "--format", "{{.Labels}} {{.Command}}"], ["top", "NAME"],
                                   ["top", "NAME", "-o", "comm,args"], ["diff", "NAME"], ["history", "--no-trunc", "test/escapes:1"],
                                   ["inspect", "--format", "{{.Config.Labels.word}} {{.Config.Env}}", "NAME"], ["inspect", "NAME"],
                                   ["image", "inspect", "test/escapes:1"], ["images", "--format", "table {{.Repository}}"],
                                   ["exec", "NAME", f"/no/{ESCAPE}"], ["logs", f"none{ESCAPE}"], ["stats", "--no-stream"]],
                         ids=lambda words: " ".join(words).encode("ascii", "ignore").decode().replace("\033", ""))
def test_G1_a_terminal_gets_no_escape_sequence_of_theirs(engine, evil, words):
    out = on_terminal(engine, *[evil if word == "NAME" else word for word in words])
    assert out.strip() and "\033" not in out and "\a" not in out and "\u009b" not in out


def test_G1_twin_a_pipe_and_a_program_pass_on_every_byte(engine, evil):
    assert ESCAPE in engine.out("inspect", "--format", "{{.Config.Labels.word}}", evil)
    assert "\033[31mred" in on_terminal(engine, "exec", evil, "printf", "\\033[31mred")
    assert on_terminal(engine, "ps", "--format", "{{.Names}}").split() and "ä…🐳" in on_terminal(
        engine, "inspect", "--format", "{{\"ä…🐳\"}}", evil)


def test_G1_copying_out_through_a_link_keeps_the_name_that_was_asked_for(engine, name, tmp_path):
    engine.berth("run", "--name", name, IMAGE, "sh", "-c", "mkdir /data /home/x; echo inside > /data/.bashrc; echo y > /home/x/f;"
                 "ln -s /data/.bashrc /srv/settings; ln -s /home/x /srv/folder")
    engine.berth("cp", "-L", f"{name}:/srv/settings", tmp_path)
    engine.berth("cp", "-L", f"{name}:/srv/folder", tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["folder", "settings"]
    assert (tmp_path / "settings").read_text() == "inside\n" and (tmp_path / "folder" / "f").read_text() == "y\n"
