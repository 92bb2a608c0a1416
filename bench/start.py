# SPDX-License-Identifier: Apache-2.0
"""How long from the command to the end of `true`: the floor program, Berth, crun, runc, podman, docker."""
import json
import pathlib
import shutil
import tempfile
import urllib.parse

import images
import measure
import peers
from engine import Engine

IMAGE = "debian:trixie"
PROGRAM = "/bin/true"


def oci_config(engine, name):
    """The OCI configuration of an instance, from the engine."""
    import http.client
    import socket

    class Connection(http.client.HTTPConnection):
        def connect(self):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.connect(str(engine.socket))

    connection = Connection("localhost")
    connection.request("GET", f"/berth/instances/{urllib.parse.quote(name)}/oci-config")
    return json.loads(connection.getresponse().read())


def bench(runs=None):
    runs = runs or 50
    folder = pathlib.Path(tempfile.mkdtemp(prefix="berth-bench-"))
    folder.chmod(0o755)
    rootfs = str(measure.ROOT / "build" / "images" / "debian.rootfs.tar")
    archive = images.make("debian", str(measure.ROOT / "build" / "images"))
    engine = Engine(folder / "engine").start()
    docker = podman = None
    try:
        engine.berth("load", "-i", archive, timeout=600)
        engine.berth("run", "-d", "--name", "sleeper", "--network", "none", IMAGE, "sleep", "1000000")
        engine.berth("create", "--name", "model", "--network", "none", IMAGE, PROGRAM)
        config = oci_config(engine, "model")
        docker = peers.Docker(folder / "docker")
        docker.run("load", "-i", docker_archive(archive, folder))
        peers.version_1_view()
        podman = peers.Podman(folder / "podman")
        podman.run("load", "-i", archive)
        podman_image = podman.run("images", "-q").split()[0]
        docker_image = docker.run("images", "-q").split()[0]
        bundle = peers.bundle(folder / "bundle", rootfs, config)
        scratch = folder / "scratch"
        scratch.mkdir()
        commands = [
            ("floor", [measure.ROOT / "build/bench/bench-floor", folder / "bundle/rootfs", scratch, PROGRAM]),
            ("berth run", engine.command("run", "--rm", "--network", "none", IMAGE, PROGRAM)),
            ("berth exec", engine.command("exec", "sleeper", PROGRAM)),
            ("crun run", ["/usr/bin/crun", "--root", folder / "crun", "run", "--bundle", bundle, "bench"]),
            ("runc run", ["/usr/sbin/runc", "--root", folder / "runc", "run", "--bundle", bundle, "bench"]),
            ("podman run", podman.words("run", "--rm", "--network", "none", *peers.held_limits(), podman_image, PROGRAM)),
            ("docker run", docker.words("run", "--rm", "--network", "none", docker_image, PROGRAM)),
        ]
        times = measure.interleave(commands, runs)
        rows = [measure.summary(name, times[name]) for name, _ in commands]
        notes = [f"crun {peers.tool_version('crun')}, runc {peers.tool_version('runc')}, "
                 f"podman {podman.version()}, docker {docker.version()}; image {IMAGE}, --network none"]
        measure.report("start", rows, "berth run", notes)
    finally:
        for peer in (podman, docker, engine):
            if peer:
                peer.close()
        shutil.rmtree(folder, ignore_errors=True)


def docker_archive(archive, folder):
    """Debian's docker reads its own kind of archive alone; skopeo writes it."""
    import subprocess

    target = f"{folder}/docker.tar"
    subprocess.run(["skopeo", "copy", "--quiet", f"oci-archive:{archive}", f"docker-archive:{target}:{IMAGE}"],
                   check=True)
    return target
