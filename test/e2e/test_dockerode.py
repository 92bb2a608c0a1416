# SPDX-License-Identifier: Apache-2.0
"""npm's dockerode, a client library that shares no code with Docker's own, against the engine."""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "build" / "dockerode" / "node_modules"


def test_twenty_operations_of_dockerode_hold(engine, name):
    if not LIBRARY.is_dir():
        pytest.skip("the npm registry could not be reached for the library; run: sudo ./dev setup test")
    done = subprocess.run(["node", ROOT / "test" / "e2e" / "dockerode.js", "busybox:latest", name],
                          env={**os.environ, "NODE_PATH": str(LIBRARY), "DOCKER_HOST": engine.host},
                          capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and sum(line.startswith("ok ") for line in lines) == 20, (done.stdout, done.stderr)


