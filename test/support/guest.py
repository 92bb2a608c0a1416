# SPDX-License-Identifier: Apache-2.0
"""Another kernel to test on: Debian's cloud kernel in QEMU (emulated), with chosen programs in its initramfs.

The host's own layout of control groups is what it is; in here it is pure version 2, and the kernel is the one that
Debian 13's users have.
"""
import lzma
import os
import pathlib
import re
import subprocess
import tempfile

BUSYBOX = "/bin/busybox"
# The initramfs itself cannot be left by pivot_root, so the first half moves into a tmpfs.
FIRST = """#!/bin/busybox sh
/bin/busybox mkdir -p /root-fs
/bin/busybox mount -t tmpfs root /root-fs
for name in /*; do
	[ "$name" = /root-fs ] || /bin/busybox cp -a "$name" /root-fs/
done
exec /bin/busybox switch_root /root-fs /second
"""
SECOND = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
mkdir -p /proc /sys /dev /tmp /run /var/lib /root /etc
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm; mount -t devpts pts /dev/pts; mount -t tmpfs shm /dev/shm
mount -t tmpfs run /run
mount -t cgroup2 cgroup /sys/fs/cgroup
for m in $(cat /modules/order); do insmod /modules/$m; done
ip link set lo up
sh /script > /tmp/out 2>&1; status=$?
echo; echo "=== begin"; cat /tmp/out; echo "=== end $status"
reboot -f
"""


def libraries(program):
    """The shared libraries of a program, the loader included; none for a static one."""
    done = subprocess.run(["ldd", program], capture_output=True, text=True)
    return sorted(set(re.findall(r"(/\S+) \(0x", done.stdout)))


def module_files(tree, names):
    """The files of the modules NAMES and of all they need, those first, from TREE/modules.dep or by modinfo."""
    tree = pathlib.Path(tree)
    files = {p.name.split(".ko")[0].replace("-", "_"): p for p in tree.rglob("*.ko*")}
    order = []

    def add(name):
        name = name.replace("-", "_")
        if name not in files or name in order:
            return
        data = module_bytes(files[name])
        needs = re.search(rb"depends=([^\0]*)\0", data).group(1).decode()
        for need in filter(None, needs.split(",")):
            add(need)
        order.append(name)

    for name in names:
        add(name)
    return [(name, files[name]) for name in order]


def module_bytes(path):
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == ".xz" else data


class Initramfs:
    """Writes the cpio format "newc"."""

    def __init__(self):
        self.out, self.seen, self.inode = bytearray(), set(), 0

    def entry(self, name, mode, data=b""):
        name = name.strip("/")
        parent = os.path.dirname(name)
        if parent and parent not in self.seen:
            self.entry(parent, 0o040755)
        if name in self.seen:
            return
        self.seen.add(name)
        self.inode += 1
        raw = name.encode() + b"\0"
        fields = [self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0]
        self.out += b"070701" + b"".join(b"%08X" % f for f in fields) + raw
        self.out += b"\0" * (-len(self.out) % 4)
        self.out += data
        self.out += b"\0" * (-len(self.out) % 4)

    def file(self, name, data, mode=0o755):
        self.entry(name, 0o100000 | mode, data)

    def link(self, name, target):
        self.entry(name, 0o120777, target.encode())

    def copy(self, path, name=None):
        self.file(name or path, pathlib.Path(path).read_bytes())

    def bytes(self):
        self.entry("TRAILER!!!", 0)
        return bytes(self.out)


def run(kernel, modules, script, programs=(), files=None, memory="1024M", timeout=240, command_line=""):
    """Boots KERNEL with MODULES (names, from its tree beside it), runs SCRIPT; gives (status, output).

    PROGRAMS are taken from the host with their libraries, FILES maps names inside to bytes.
    """
    fs = Initramfs()
    fs.copy(BUSYBOX, "/bin/busybox")
    fs.file("/init", FIRST.encode())
    fs.file("/second", SECOND.encode())
    fs.file("/script", script.encode())
    for program in programs:
        fs.copy(program)
        for library in libraries(program):
            fs.copy(library)
    for name, data in (files or {}).items():
        fs.file(name, data)
    order = module_files(*modules)
    for name, path in order:
        fs.file(f"/modules/{name}.ko", module_bytes(path))
    fs.file("/modules/order", "".join(f"{name}.ko\n" for name, _ in order).encode())

    # without cmpxchg16b, which QEMU's translator does not always get right under load
    with tempfile.TemporaryDirectory() as folder:
        initrd = pathlib.Path(folder) / "initrd"
        initrd.write_bytes(fs.bytes())
        done = subprocess.run(
            ["/usr/bin/qemu-system-x86_64", "-M", "microvm,acpi=off,pit=on,pic=on,rtc=on", "-accel", "tcg", "-cpu", "qemu64,-svm,+ssse3,+sse4.1,+sse4.2,+popcnt,+lahf-lm,-cx16",
             "-m", memory, "-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio", "-no-reboot",
             "-kernel", str(kernel), "-initrd", str(initrd),
             "-append", f"console=ttyS0 quiet reboot=t panic=-1 mitigations=off tsc=reliable {command_line}"],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout)
    text = done.stdout.decode(errors="replace").replace("\r", "")
    match = re.search(r"=== begin\n(.*)=== end (\d+)", text, re.S)
    if not match:
        raise AssertionError(f"the guest said nothing:\n{text[-3000:]}\n{done.stderr.decode()}")
    return int(match.group(2)), match.group(1)
