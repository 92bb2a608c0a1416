# SPDX-License-Identifier: Apache-2.0
"""How long a 124 MB Debian image takes to load from a file and to pull from a local registry."""
import pathlib
import shutil
import tempfile

import images
import measure
import peers
from engine import Engine
from registry import Registry
from start import IMAGE, docker_archive


def bench(runs=None):
    runs = runs or 7
    folder = pathlib.Path(tempfile.mkdtemp(prefix="berth-bench-"))
    folder.chmod(0o755)
    archive = images.make("debian", str(measure.ROOT / "build" / "images"))
    engine = Engine(folder / "engine").start()
    docker = None
    try:
        docker = peers.Docker(folder / "docker")
        saved = docker_archive(archive, folder)
        with Registry(folder / "registry") as registry:
            name = registry.push(archive, IMAGE)
            pulls = [
                ("berth pull", engine.command("pull", "-q", name)),
                ("-berth rmi", engine.command("rmi", "-f", name)),
                ("docker pull", docker.words("pull", "-q", name)),
                ("-docker rmi", docker.words("rmi", "-f", name)),
            ]
            loads = [
                ("berth load", engine.command("load", "-q", "-i", saved)),
                ("-berth rmi", engine.command("rmi", "-f", IMAGE)),
                ("docker load", docker.words("load", "-q", "-i", saved)),
                ("-docker rmi", docker.words("rmi", "-f", IMAGE)),
            ]
            times = measure.interleave(pulls + loads, runs)
        rows = [measure.summary(title, values) for title, values in times.items()]
        measure.report("image", rows, "berth pull", [f"docker {docker.version()}"])
    finally:
        for peer in (docker, engine):
            if peer:
                peer.close()
        shutil.rmtree(folder, ignore_errors=True)
