# SPDX-License-Identifier: Apache-2.0
"""How long a virtual machine takes to boot, to start from a template, and to run a program; and its memory."""
import pathlib
import shutil
import statistics
import tempfile
import time

import images
import measure
import peers
from engine import Engine
from settle import ask
from start import IMAGE, docker_archive

PROGRAM = "/bin/true"
SIZE = "256m"
IDLE_S = 3
MACHINES = 20


def private_mib(pid):
    """What a process shares with nobody."""
    lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


def run_words(engine):
    return engine.command("run", "--rm", "--vm", "--network", "none", IMAGE, PROGRAM)


def until_settled(engine, spares):
    """A command that ends when the engine has made ready what it makes behind a start."""
    return ["/usr/bin/python3", measure.ROOT / "bench" / "settle.py", engine.socket, 1, spares]


def boot_templates(engine, runs):
    """Cold boots until the guest is ready, each from an engine's command to the template's being kept."""
    times = []
    for _ in range(runs):
        engine.berth("vm", "template", "prune")
        start = time.monotonic()
        engine.berth("vm", "template", "make")
        times.append((time.monotonic() - start) * 1000)
    return times


def boot_plainly(folder, engine, runs):
    """The same kernel and initramfs in QEMU without Berth, until the guest says that it is ready."""
    templates = engine.state / "templates"
    kernel, initramfs = next(templates.glob("kernel-*")), next(templates.glob("initramfs-*"))
    return [peers.boot_qemu(folder, kernel, initramfs) for _ in range(runs)]


def idle_machine(engine):
    """Private memory of an idle machine, and how many of one template answer at once."""
    names = [engine.out("run", "-d", "--vm", "--network", "none", IMAGE, "sleep", "100000")
             for _ in range(MACHINES)]
    time.sleep(IDLE_S)
    memory = [private_mib(engine.inspect(name)["State"]["Pid"]) for name in names]
    answers = sum(engine.berth("exec", name, PROGRAM, check=False).returncode == 0 for name in names)
    engine.berth("rm", "-f", *names)
    return memory, answers


def bench(runs=None):
    runs = runs or 20
    folder = pathlib.Path(tempfile.mkdtemp(prefix="berth-bench-"))
    folder.chmod(0o755)
    archive = images.make("debian", str(measure.ROOT / "build" / "images"))
    fast = Engine(folder / "fast").start()
    bare = Engine(folder / "bare", ["--vm-spares", "0"]).start()
    docker = None
    try:
        for engine in (fast, bare):
            engine.berth("load", "-i", archive, timeout=600)
        docker = peers.Docker(folder / "docker", bridge=True)
        docker.run("load", "-i", docker_archive(archive, folder))
        docker_image = docker.run("images", "-q").split()[0]
        times = {"cold boot": boot_templates(bare, max(3, runs // 4))}
        times["plain QEMU boot"] = boot_plainly(folder, bare, max(3, runs // 4))
        for engine in (fast, bare):
            engine.berth("run", "--rm", "--vm", "--network", "none", IMAGE, PROGRAM, timeout=120)
        bare.berth("run", "-d", "--vm", "--name", "idle", "--network", "none", IMAGE, "sleep", "1000000")
        times |= measure.interleave([
            ("-settle", until_settled(bare, 0)),
            ("start without a spare", run_words(bare)),
            ("-settle", until_settled(fast, 1)),
            ("start with a spare", run_words(fast)),
            ("-settle", until_settled(fast, 1)),
            ("docker run", docker.words("run", "--rm", docker_image, PROGRAM)),
            ("exec", bare.command("exec", "idle", PROGRAM)),
        ], runs)
        # one after another, as they come: here the work behind a start is counted too
        times |= measure.interleave([("start after start", run_words(fast))], runs)
        bare.berth("rm", "-f", "idle")
        memory, answers = idle_machine(bare)
        rows = [measure.summary(name, values) for name, values in times.items()]
        rows[[row["name"] for row in rows].index("exec")]["private_mib"] = round(statistics.median(memory), 1)
        notes = [f"private memory of an idle {SIZE} machine: median {statistics.median(memory):.1f} MiB, "
                 f"most {max(memory):.1f} MiB",
                 f"machines of one template that ran at once and answered: {answers} of {MACHINES}",
                 f"docker {docker.version()} with its bridge; image {IMAGE}; berth with --network none; "
                 f"accelerator {ask(str(fast.socket), '/berth/info')['vm']['accelerator']}"]
        measure.report("vm", rows, "docker run", notes)
    finally:
        for peer in (docker, fast, bare):
            if peer:
                peer.close()
        shutil.rmtree(folder, ignore_errors=True)
