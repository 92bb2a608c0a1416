#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The second half of ./dev quickstart: a Debian image from Debian's packages, a registry, and Berth."""
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "test" / "support"))

import images  # noqa: E402
from engine import Engine  # noqa: E402
from registry import Registry  # noqa: E402

IMAGE = "debian:trixie"


def say(text):
    print(f"== {text}", flush=True)


def show(engine, *words):
    """Runs a command as a user would and shows both."""
    print("$ berth " + " ".join(words), flush=True)
    done = subprocess.run(engine.command(*words), stdin=subprocess.DEVNULL)
    if done.returncode:
        sys.exit(f"quickstart: berth {words[0]} failed with status {done.returncode}")


def private_mib(pid):
    """Memory that a process shares with nobody, in MiB."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Private_")) / 1024


def measure(engine, words):
    """What one isolation looks like from inside and costs outside."""
    times = []
    for _ in range(5):
        start = time.monotonic()
        engine.berth("run", "--rm", *words, "--network", "none", IMAGE, "true")
        times.append((time.monotonic() - start) * 1000)
    release = engine.out("run", "--rm", *words, "--network", "none", IMAGE, "uname", "-r")
    name = engine.out("run", "-d", *words, "--network", "none", IMAGE, "sleep", "1000")
    memory = private_mib(engine.inspect(name)["State"]["Pid"])
    engine.berth("rm", "-f", name)
    return release, statistics.median(times), memory


def compare(engine):
    """The table at the end: one image, both isolations."""
    rows = [("berth run", []), ("berth run --vm", ["--vm"])]
    print(f"\n{'':16} {'kernel inside':30} {'run of true':>12} {'memory':>10}")
    for title, words in rows:
        release, start_ms, memory = measure(engine, words)
        print(f"{title:16} {release:30} {start_ms:9.0f} ms {memory:6.1f} MiB", flush=True)


def main():
    say("making a Debian image from Debian's packages (about a minute, once)")
    archive = images.make("debian", str(ROOT / "build" / "images"))
    with tempfile.TemporaryDirectory(prefix="berth-quickstart-") as folder:
        engine = Engine(pathlib.Path(folder) / "engine").start()
        try:
            with Registry(pathlib.Path(folder) / "registry") as registry:
                say(f"pushing it to a registry at {registry.host}")
                source = registry.push(archive, IMAGE)
                show(engine, "pull", source)
            show(engine, "tag", source, IMAGE)
            say("running it as a virtual machine (the first one makes a template)")
            show(engine, "run", "--rm", "--vm", "--network", "none", IMAGE, "cat", "/etc/os-release")
            say("running it as a container")
            show(engine, "run", "--rm", IMAGE, "cat", "/etc/os-release")
            compare(engine)
        finally:
            engine.close()


if __name__ == "__main__":
    main()
