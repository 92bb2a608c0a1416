# SPDX-License-Identifier: Apache-2.0
"""A machine that cannot be had as it was asked for is refused with what is missing and what mends it: nothing runs."""
import ctypes
import os
import pathlib
import shutil
import struct

import images
import pytest
from conftest import IMAGE_FOLDER
from engine import Engine

IMAGE = "busybox:latest"
KERNELS = pathlib.Path("/usr/lib/berth/guest-kernel")
MENDS = "./dev setup"
CLONE_NEWUSER = 0x10000000

# What a QEMU that was built without seccomp looks like to its keeper: a monitor that answers, and no filter.
UNCONFINED = """#!/usr/bin/python3
import socket
s = socket.socket(fileno=3)
s.sendall(b'{"QMP": {}}\\n')
for line in s.makefile():
    number = line.rpartition('"id":')[2].strip(' }\\n')
    s.sendall(b'{"return": {}, "id": ' + number.encode() + b'}\\n')
"""


def refused(engine, *words):
    """The machine is refused with these words and nothing of it ran; a container runs as ever."""
    done = engine.berth("run", "--rm", "--vm", "--network", "none", IMAGE, "echo", "it ran", check=False)
    assert done.returncode == 125 and done.stdout == "", done.stderr
    for word in words:
        assert word in done.stderr
    assert engine.out("ps", "-aq") == ""
    assert engine.out("run", "--rm", "--network", "none", IMAGE, "echo", "works") == "works"


@pytest.fixture
def kernel_folder(tmp_path):
    """kernel_folder(bytes) makes a folder whose kernel is those bytes, with the modules of the real one."""
    tree = next(p for p in (KERNELS, pathlib.Path("/")) if list(p.glob("boot/vmlinuz-*cloud*")))
    real = sorted(tree.glob("boot/vmlinuz-*cloud*"))[-1]
    release = real.name.removeprefix("vmlinuz-")
    modules = next(p for p in (tree / "usr/lib/modules" / release, tree / "lib/modules" / release) if p.exists())

    def make(change=lambda data: data, name=release, with_modules=True):
        (tmp_path / "boot").mkdir()
        (tmp_path / "lib").mkdir()
        (tmp_path / "boot" / f"vmlinuz-{name}").write_bytes(change(real.read_bytes()))
        if with_modules:
            (tmp_path / "lib/modules").symlink_to(modules.parent)
        else:
            (tmp_path / "lib/modules" / name).mkdir(parents=True)
        return str(tmp_path)

    return make


@pytest.fixture
def program():
    """program(text) puts an executable where the jail shows it, and takes it away again."""
    folder = pathlib.Path(f"/usr/local/lib/berth-test-{os.getpid()}")

    def make(text):
        folder.mkdir(exist_ok=True)
        (folder / "qemu").write_text(text)
        (folder / "qemu").chmod(0o755)
        return str(folder / "qemu")

    yield make
    shutil.rmtree(folder, ignore_errors=True)


def test_a_kernel_of_ones_own_folder_is_taken(own_engine, kernel_folder):
    """The twin of all that follows."""
    engine = own_engine("--guest-kernel", kernel_folder(), "--qemu", "/usr/bin/qemu-system-x86_64")
    assert engine.out("run", "--rm", "--vm", "--network", "none", IMAGE, "uname", "-r") in " ".join(
        p.name for p in KERNELS.glob("boot/*")) + " ".join(p.name for p in pathlib.Path("/boot").glob("*"))


def test_no_qemu(own_engine, tmp_path):
    refused(own_engine("--qemu", str(tmp_path / "nothing")), "qemu-system-x86", MENDS)


def test_a_program_that_is_no_qemu(own_engine):
    refused(own_engine("--qemu", "/usr/bin/false"), "QEMU ended with status 1")


def test_a_qemu_whose_sandbox_is_not_built_in(own_engine, program):
    text = "qemu-system-x86_64: -sandbox on: There is no option group 'sandbox'"
    refused(own_engine("--qemu", program(f"#!/usr/bin/sh\necho \"{text}\" >&2\nexit 1\n")), "There is no option group 'sandbox'")


def test_a_qemu_that_puts_no_sandbox_around_itself(own_engine, program):
    refused(own_engine("--qemu", program(UNCONFINED)), "is not locked in", "without a seccomp sandbox")


def test_no_kernel(own_engine, tmp_path):
    refused(own_engine("--guest-kernel", str(tmp_path / "nothing")), "no guest kernel", MENDS, "linux-image-cloud-amd64")


def test_a_kernel_that_is_too_old(own_engine, kernel_folder):
    refused(own_engine("--guest-kernel", kernel_folder(name="5.10.0-1-cloud-amd64")), "release 6.4 or newer", MENDS)


def test_a_kernel_of_another_architecture(own_engine, kernel_folder):
    elf = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 183, 1, 0, 64, 0, 0, 64, 56, 0, 0, 0, 0)
    refused(own_engine("--guest-kernel", kernel_folder(lambda data: elf)), "not built for x86-64", MENDS)


@pytest.mark.parametrize("change, words", [
    (lambda data: data[:len(data) // 2], "cut short"),
    (lambda data: b"not a kernel at all\n" * 100, "not a Linux kernel"),
    (lambda data: data[:len(data) // 2] + bytes(len(data) - len(data) // 2), "unpack the kernel"),
    (lambda data: b"", "not a Linux kernel"),
], ids=["half", "text", "zeros", "empty"])
def test_a_kernel_that_is_broken(own_engine, kernel_folder, change, words):
    refused(own_engine("--guest-kernel", kernel_folder(change)), words, MENDS)


def test_a_kernel_without_its_modules(own_engine, kernel_folder):
    refused(own_engine("--guest-kernel", kernel_folder(with_modules=False)), "no kernel modules", MENDS)


def leave_only_64k_users():
    """For the child before it executes: a user namespace without the ranges that instances get."""
    begin, go = os.pipe()
    me = os.getpid()
    writer = os.fork()
    if writer == 0:
        os.read(begin, 1)
        for kind in ("uid_map", "gid_map"):
            pathlib.Path(f"/proc/{me}/{kind}").write_text("0 0 65536\n")
        os._exit(0)
    if ctypes.CDLL(None).unshare(CLONE_NEWUSER) != 0:
        os._exit(1)
    os.write(go, b"x")
    os.waitpid(writer, 0)


def test_no_range_of_users(tmp_path):
    engine = Engine(options=["--store-mode", "folder"]).start(preexec_fn=leave_only_64k_users)
    try:
        engine.berth("load", "-i", images.make("busybox", IMAGE_FOLDER), timeout=600)
        # such an engine mounts no EROFS either, and machines need the layers as block devices
        for flags, why in (([], "Invalid argument"), (["--vm"], "the store keeps layers as folders")):
            done = engine.berth("run", "--rm", *flags, "--network", "none", IMAGE, "echo", "it ran", check=False)
            assert done.returncode == 125 and why in done.stderr and "it ran" not in done.stdout, flags
    finally:
        engine.close()
