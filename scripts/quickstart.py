#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The second half of ./dev quickstart: a Debian image from Debian's packages, a registry, and Berth."""
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "test" / "support"))

import images  # noqa: E402
from engine import Engine  # noqa: E402
from registry import Registry  # noqa: E402


def say(text):
    print(f"== {text}", flush=True)


def show(engine, *words):
    """Runs a command as a user would and shows both."""
    print("$ berth " + " ".join(words), flush=True)
    done = subprocess.run(engine.command(*words), stdin=subprocess.DEVNULL)
    if done.returncode:
        sys.exit(f"quickstart: berth {words[0]} failed with status {done.returncode}")


def main():
    say("making a Debian image from Debian's packages (about a minute, once)")
    archive = images.make("debian", str(ROOT / "build" / "images"))
    with tempfile.TemporaryDirectory(prefix="berth-quickstart-") as folder:
        engine = Engine(pathlib.Path(folder) / "engine").start()
        try:
            with Registry(pathlib.Path(folder) / "registry") as registry:
                say(f"pushing it to a registry at {registry.host}")
                source = registry.push(archive, "debian:trixie")
                show(engine, "pull", source)
            show(engine, "tag", source, "debian:trixie")
            say("running it")
            show(engine, "run", "--rm", "debian:trixie", "cat", "/etc/os-release")
        finally:
            engine.close()


if __name__ == "__main__":
    main()
