# SPDX-License-Identifier: Apache-2.0
"""An engine that sees a journal of the test's own: in a mount namespace where /run is empty but for it."""
import array
import ctypes
import os
import pathlib
import socket
import struct
import subprocess

CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000
JOURNALD = "/lib/systemd/systemd-journald"
CONFIGURATION = "[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=no\nRateLimitBurst=0\n"
libc = ctypes.CDLL(None, use_errno=True)


def call(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), what)


def bind(source, target):
    pathlib.Path(target).mkdir(parents=True, exist_ok=True)
    call(libc.mount(bytes(source), str(target).encode(), None, MS_BIND, None), f"bind {target}")


def enter(folder):
    """Gives what runs next FOLDER/run as /run."""
    def inside():
        call(libc.unshare(CLONE_NEWNS), "unshare")
        call(libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None), "make mounts private")
        bind(pathlib.Path(folder) / "run", "/run")
    return inside


def make_run(folder):
    """The /run of that namespace; where journald's socket goes."""
    place = pathlib.Path(folder) / "run" / "systemd" / "journal"
    place.mkdir(parents=True)
    return place


class Listener:
    """Takes journald's place and keeps what it is sent, as dictionaries."""

    def __init__(self, folder):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(make_run(folder) / "socket"))
        self.socket.settimeout(20)

    def close(self):
        self.socket.close()

    def next(self):
        data, ancillary, _, _ = self.socket.recvmsg(1 << 20, socket.CMSG_SPACE(4))
        for _, _, rights in ancillary:
            descriptor = array.array("i", rights)[0]
            with os.fdopen(descriptor, "rb") as file:
                data = file.read()
        return fields(data)


def fields(data):
    """The native protocol: NAME=value, or NAME and a length."""
    found = {}
    while data:
        line, data = data.split(b"\n", 1)
        name, equal, value = line.partition(b"=")
        if not equal:
            size = struct.unpack("<Q", data[:8])[0]
            value, data = data[8:8 + size], data[8 + size + 1:]
        found[name.decode()] = value.decode()
    return found


class Journald:
    """Debian's systemd-journald by itself; its files lie in FOLDER/run/log."""

    def __init__(self, folder):
        place = make_run(folder)
        (place.parent.parent / "log" / "journal").mkdir(parents=True)
        configuration = pathlib.Path(folder) / "journald.conf"
        configuration.write_text(CONFIGURATION)

        def inside():
            enter(folder)()
            call(libc.mount(bytes(configuration), b"/etc/systemd/journald.conf", None, MS_BIND, None), "journald.conf")
        self.process = subprocess.Popen([JOURNALD], preexec_fn=inside, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.socket = place / "socket"

    def close(self):
        self.process.terminate()
        self.process.wait(20)
