# SPDX-License-Identifier: Apache-2.0
"""The peers that Berth is measured against, each in a private place: Debian's dockerd, podman, crun, runc."""
import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

CLONE_NEWNS, MS_REC, MS_PRIVATE, MS_BIND = 0x20000, 0x4000, 0x40000, 0x1000
libc = ctypes.CDLL(None, use_errno=True)


def call(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), what)


def version_1_view():
    """crun refuses a hybrid cgroup layout: this process and its children see the version 1 hierarchies alone."""
    base = pathlib.Path("/sys/fs/cgroup")
    if (base / "cgroup.controllers").exists():
        return
    names = [p.name for p in base.iterdir() if p.is_mount() and p.name != "unified"]
    call(libc.unshare(CLONE_NEWNS), "unshare")
    call(libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None), "make mounts private")
    keep = pathlib.Path("/run/berth-bench-cgroup")
    keep.mkdir(exist_ok=True)
    call(libc.mount(b"tmpfs", bytes(keep), b"tmpfs", 0, None), "tmpfs")
    for name in names:
        (keep / name).mkdir()
        call(libc.mount(bytes(base / name), bytes(keep / name), None, MS_BIND, None), name)
    call(libc.mount(bytes(keep), bytes(base), None, MS_BIND | MS_REC, None), "bind the view")


class Docker:
    """Debian's dockerd; with BRIDGE in a network namespace of its own, so that it meets nobody's network."""

    def __init__(self, folder, bridge=False):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.host = f"unix://{self.folder}/docker.sock"
        self.client = "/usr/bin/docker"
        network = ["/usr/bin/unshare", "--net"] if bridge else []
        command = [*network, "/usr/sbin/dockerd", "-H", self.host, "--data-root", f"{self.folder}/data", "--exec-root", f"{self.folder}/exec",
                   "--pidfile", f"{self.folder}/pid", "--insecure-registry", "127.0.0.0/8"]
        if not bridge:
            command += ["--bridge=none", "--iptables=false", "--ip6tables=false"]
        self.process = subprocess.Popen(command, stdout=open(self.folder / "log", "wb"), stderr=subprocess.STDOUT,
                                        stdin=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + 60
        while subprocess.run(self.words("version"), capture_output=True).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("dockerd does not answer:\n" + (self.folder / "log").read_text()[-2000:])
            time.sleep(0.1)

    def words(self, *words):
        return [self.client, "-H", self.host, *words]

    def run(self, *words):
        return subprocess.run(self.words(*words), check=True, capture_output=True, text=True).stdout.strip()

    def version(self):
        return self.run("version", "--format", "{{.Server.Version}}")

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)


class Podman:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.base = ["/usr/bin/podman", "--root", f"{self.folder}/root", "--runroot", f"{self.folder}/run",
                     "--tmpdir", f"{self.folder}/tmp", "--cgroup-manager", "cgroupfs", "--events-backend", "none",
                     "--storage-driver", "overlay"]

    def words(self, *words):
        return self.base + list(words)

    def run(self, *words):
        return subprocess.run(self.words(*words), check=True, capture_output=True, text=True).stdout.strip()

    def version(self):
        return self.run("--version").split()[-1]

    def close(self):
        subprocess.run(self.words("rm", "-af"), capture_output=True)
        subprocess.run(["umount", f"{self.folder}/root/overlay"], capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def held_limits():
    """Flags for podman, which by itself asks for more than root may have on some hosts."""
    return ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"]


def plain_filter(seccomp):
    """The filter's allowed calls by name alone: libseccomp refuses several conditions on one argument."""
    names = sorted({name for rule in seccomp["syscalls"] if rule["action"] == "SCMP_ACT_ALLOW" for name in rule["names"]})
    return {"defaultAction": "SCMP_ACT_ERRNO", "architectures": seccomp.get("architectures", []),
            "syscalls": [{"names": names, "action": "SCMP_ACT_ALLOW"}]}


def bundle(folder, rootfs_tar, config):
    """A bundle for crun and runc: the OCI configuration that Berth itself uses for the same start."""
    folder = pathlib.Path(folder)
    root = folder / "rootfs"
    root.mkdir(parents=True)
    subprocess.run(["tar", "-xf", rootfs_tar, "-C", root], check=True)
    config = json.loads(json.dumps(config))
    config["root"]["path"] = "rootfs"
    config["ociVersion"] = "1.0.2"  # older peers refuse newer numbers
    config["linux"]["seccomp"] = plain_filter(config["linux"]["seccomp"])
    base = next((m["hostID"] for m in config["linux"].get("uidMappings", []) if m["containerID"] == 0), 0)
    if base:
        for path in [root, *root.rglob("*")]:
            st = path.lstat()
            os.lchown(path, base + st.st_uid, base + st.st_gid)
            if not path.is_symlink():
                path.chmod(st.st_mode & 0o7777)
    (folder / "config.json").write_text(json.dumps(config))
    return str(folder)


def tool_version(name):
    text = subprocess.run([f"/usr/sbin/{name}", "--version"], capture_output=True, text=True).stdout \
        if os.path.exists(f"/usr/sbin/{name}") else \
        subprocess.run([f"/usr/bin/{name}", "--version"], capture_output=True, text=True).stdout
    return text.split()[2] if len(text.split()) > 2 else "?"


def boot_qemu(folder, kernel, initramfs):
    """Milliseconds from QEMU's start to the first bytes of Berth's guest in it; no jail, no template, no engine."""
    path = f"{folder}/port"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        listener.settimeout(60)
        start = time.monotonic()
        qemu = subprocess.Popen(
            ["/usr/bin/qemu-system-x86_64", "-M", "microvm,acpi=on,pic=off,pit=off,rtc=off", "-accel", "tcg",
             "-m", "256M", "-nodefaults", "-no-user-config", "-display", "none", "-kernel", kernel, "-initrd", initramfs,
             # without these it does not come up: no timer to measure by, and QEMU 7.2's cmpxchg16b
             "-append", "console=ttyS0 quiet no_timer_check tsc=reliable tsc_early_khz=2000000 clearcpuid=cx16", "-serial", "null",
             "-chardev", f"socket,id=guest,path={path}", "-device", "virtio-serial-device",
             "-device", "virtserialport,chardev=guest,nr=1,name=org.berth.guest",
             "-blockdev", "null-co,node-name=a,size=1073741824,read-zeroes=on,read-only=on",
             "-blockdev", "null-co,node-name=b,size=1073741824,read-zeroes=on",
             "-device", "virtio-blk-device,drive=a,serial=layers", "-device", "virtio-blk-device,drive=b,serial=writable"])
        try:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(60)
                connection.recv(1)
            return (time.monotonic() - start) * 1000
        finally:
            qemu.kill()
            qemu.wait()
