# SPDX-License-Identifier: Apache-2.0
"""What `./dev install` puts into a system, run from there."""
import subprocess

import pytest

from engine import ROOT, Engine

IMAGE = "busybox:latest"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder that stands for the root of a system."""
    root = tmp_path_factory.mktemp("root")
    subprocess.run(["meson", "install", "-C", ROOT / "build", "--no-rebuild", "--destdir", root],
                   check=True, stdout=subprocess.DEVNULL)
    return root


@pytest.mark.parametrize("flags", [[], ["--vm"]], ids=["container", "vm"])
def test_an_installed_engine_runs_instances(installed, image_archive, flags):
    engine = Engine(programs=next(installed.rglob("berthd")).parent)
    try:
        engine.start()
        engine.berth("load", "-i", image_archive("busybox"))
        assert engine.out("run", "--rm", *flags, "--network", "none", IMAGE, "echo", "hello") == "hello"
    finally:
        engine.close()


def test_pages_completions_and_units_are_installed(installed):
    names = {path.name for path in installed.rglob("*") if path.is_file()}
    assert {"berth.1", "berth-run.1", "berth", "_berth", "berth.fish", "berth.service", "berth.socket"} <= names
    assert "\\-\\-network" in next(installed.rglob("berth-run.1")).read_text()
    unit = next(installed.rglob("berth.service")).read_text()
    program = next(line for line in unit.splitlines() if line.startswith("ExecStart=")).partition("=")[2]
    assert (installed / program.lstrip("/")).exists()
