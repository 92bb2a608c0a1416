# SPDX-License-Identifier: Apache-2.0
"""Images whose root file system holds something else than what is expected, and the canary that must not notice."""
import hashlib
import io
import os
import pathlib
import stat
import tarfile

import images

LINKS = {
    "absolute link": lambda canary, name: f"{canary}/folder",
    "absolute link to a file": lambda canary, name: f"{canary}/file",
    "absolute link to what is missing": lambda canary, name: f"{canary}/new",
    "relative link": lambda canary, name: "../" * 12 + f"{canary}/folder".lstrip("/"),
    "link by /proc/self/root": lambda canary, name: f"/proc/self/root{canary}/folder",
    "link by /proc/self/fd": lambda canary, name: "/proc/self/fd/7",
    "link by /proc/1/root": lambda canary, name: f"/proc/1/root{canary}/folder",
    "dangling link": lambda canary, name: "/nowhere/at/all",
    "loop": lambda canary, name: f"/{name}",
}
OBJECTS = {"fifo": tarfile.FIFOTYPE, "file": tarfile.REGTYPE, "device": tarfile.CHRTYPE, "folder": tarfile.DIRTYPE}
KINDS = [*LINKS, *OBJECTS]


def member(name, kind, canary):
    """One tar member of KIND in the place of NAME."""
    info = tarfile.TarInfo(name)
    info.mode = 0o777
    if kind in LINKS:
        info.type, info.linkname = tarfile.SYMTYPE, LINKS[kind](canary, name)
    else:
        info.type = OBJECTS[kind]
        info.devmajor, info.devminor = (1, 5) if kind == "device" else (0, 0)
    return info


def layer(*members):
    """A layer of tar members, each a TarInfo or a pair of that and its bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for entry in members:
            info, data = entry if isinstance(entry, tuple) else (entry, b"")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def members(data):
    """The entries of a tar, each with its bytes."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for info in tar.getmembers():
            yield info, tar.extractfile(info).read() if info.isfile() else b""


def file_of(name, data, mode=0o644):
    info = tarfile.TarInfo(name)
    info.mode = mode
    return info, data


def load(engine, folder, name, layers, config=None):
    """Loads busybox with more layers on it as NAME."""
    path = str(pathlib.Path(folder) / "root.tar")
    images.write_archive(path, [busybox(), *layers], config or {"Cmd": ["sh"]}, name=name, compress=False)
    engine.berth("load", "-i", path)
    os.unlink(path)
    return name


def busybox(made=[]):
    if not made:
        made.append(images.busybox_tar())
    return made[0]


def plant_canary(folder):
    folder = pathlib.Path(folder)
    (folder / "folder").mkdir(parents=True)
    (folder / "file").write_text("untouched\n")
    (folder / "folder" / "file").write_text("untouched too\n")
    (folder / "link").symlink_to("file")
    os.mkfifo(folder / "fifo")
    os.chown(folder / "folder" / "file", 1000, 1000)
    return folder


def manifest(folder):
    """Everything that a change would show in: kind, mode, owner, links, size, times, inode, content."""
    found = {}
    for path in sorted([pathlib.Path(folder), *pathlib.Path(folder).rglob("*")]):
        s = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(s.st_mode) else ""
        found[str(path)] = (s.st_mode, s.st_uid, s.st_gid, s.st_nlink, s.st_size, s.st_mtime_ns, s.st_ctime_ns,
                            s.st_ino, content)
    return found
