# SPDX-License-Identifier: Apache-2.0
"""Fixtures: one engine for the session, images from Debian's packages, a name for each test's instances."""
import os
import pathlib
import sys
import uuid

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test" / "support"))

import images  # noqa: E402
from engine import Engine  # noqa: E402
from parity import Parity  # noqa: E402
from registry import Registry  # noqa: E402

IMAGE_FOLDER = os.environ.get("BERTH_TEST_IMAGES", str(ROOT / "build" / "images"))


@pytest.fixture(scope="session")
def shared_engine():
    engine = Engine().start()
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def load_image(shared_engine):
    """load_image("redis") makes and loads an image once and gives its name."""
    loaded = {}

    def load(name):
        if name not in loaded:
            shared_engine.berth("load", "-i", images.make(name, IMAGE_FOLDER), timeout=600)
            loaded[name] = "debian:trixie" if name == "debian" else f"{name}:latest"
        return loaded[name]

    return load


@pytest.fixture
def engine(shared_engine, load_image):
    """The session's engine with busybox loaded; instances that a test leaves are removed behind it."""
    load_image("busybox")
    before = set(shared_engine.out("ps", "-aq", "--no-trunc").split())
    yield shared_engine
    left = set(shared_engine.out("ps", "-aq", "--no-trunc").split()) - before
    if left:
        shared_engine.berth("rm", "-f", *left)


@pytest.fixture
def own_engine(tmp_path_factory):
    """Makes engines of a test's own, for tests that kill or fill them: own_engine(*options)."""
    made = []

    def make(*options, image="busybox"):
        engine = Engine(options=options).start()
        made.append(engine)
        if image:
            engine.berth("load", "-i", images.make(image, IMAGE_FOLDER), timeout=600)
        return engine

    yield make
    for engine in made:
        if engine.process.poll() is not None:
            engine.start()
        engine.close()


@pytest.fixture(scope="session")
def registry(tmp_path_factory):
    with Registry(tmp_path_factory.mktemp("registry")) as r:
        yield r


@pytest.fixture(scope="session")
def image_archive():
    """image_archive("debian") gives the path of an OCI archive."""
    return lambda name: images.make(name, IMAGE_FOLDER)


@pytest.fixture
def name():
    return "t-" + uuid.uuid4().hex[:12]


def pytest_addoption(parser):
    parser.addoption("--parity-write", action="store_true", help="write docs/parity.md anew")


def pytest_configure(config):
    config.addinivalue_line("markers", "isolations(...): the isolations that a test runs with; both where there is no mark")
    config.addinivalue_line("markers", "parity(verb, what): the row of docs/parity.md that a test speaks for")
    config.pluginmanager.register(Parity(config))


def pytest_generate_tests(metafunc):
    """Each behaviour is tested once per isolation; @pytest.mark.isolations("container") names those that have it."""
    if "isolation" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("isolations")
        metafunc.parametrize("isolation", marker.args if marker else ["container", "vm"], scope="module")


@pytest.fixture(scope="module")
def isolation(request):
    """"container" or "vm"; `flags` are the words that choose it."""
    return request.param


@pytest.fixture(scope="module")
def flags(isolation):
    return ["--vm"] if isolation == "vm" else []
