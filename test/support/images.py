#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Real images from Debian's packages, written as OCI archives with nothing but Python's own library.

    images.py NAME [FOLDER]      make FOLDER/NAME.oci.tar (default build/images), print its path

What is there already is used again. Names: busybox, debian, redis, nginx, postgresql.
"""
import gzip
import hashlib
import io
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile

MEDIA = "application/vnd.oci.image."
TAR = MEDIA + "layer.v1.tar"
SUITE = "trixie"

SERVERS = {
    "redis": ("redis-server", {"Cmd": ["redis-server", "--port", "0", "--unixsocket", "/srv/redis.sock",
                                       "--unixsocketperm", "777", "--save", "", "--dir", "/tmp"]}),
    "nginx": ("nginx-light", {"Cmd": ["nginx", "-g", "daemon off; error_log stderr;"], "StopSignal": "SIGQUIT"}),
    "postgresql": ("postgresql", {"User": "postgres", "StopSignal": "SIGINT",
                                  "Cmd": ["/bin/sh", "-c", "exec /usr/lib/postgresql/*/bin/postgres -D /var/lib/postgresql/db "
                                          "-c listen_addresses= -c fsync=off -k /srv"]}),
}


# What is done in the root file system once the packages are there: a server's first start is the test's business.
CUSTOMIZE = {
    "postgresql": ['chroot "$1" chmod 1777 /srv',
                   "chroot \"$1\" su postgres -c '/usr/lib/postgresql/*/bin/initdb -D /var/lib/postgresql/db -A trust --no-sync'"],
}


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def mmdebstrap(path, packages=(), customize=()):
    """A minimal Debian root file system as a tar."""
    command = ["mmdebstrap", "--quiet", "--variant=minbase", "--mode=root"]
    if packages:
        command.append("--include=" + ",".join(packages))
    command += [f"--customize-hook={hook}" for hook in customize]
    part = str(path) + ".part.tar"
    subprocess.run(command + [SUITE, part], check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    os.rename(part, path)


def busybox_tar():
    """One static program under all its names."""
    program = pathlib.Path("/bin/busybox").read_bytes()
    names = subprocess.run(["/bin/busybox", "--list"], check=True, capture_output=True, text=True).stdout.split()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        def add(name, kind=tarfile.REGTYPE, mode=0o755, data=b"", link=""):
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.size, info.linkname, info.mtime = kind, mode, len(data), link, 1700000000
            tar.addfile(info, io.BytesIO(data))
        for folder, mode in (("bin", 0o755), ("etc", 0o755), ("root", 0o700), ("tmp", 0o1777), ("usr", 0o755),
                             ("usr/bin", 0o755), ("var", 0o755), ("home", 0o755), ("srv", 0o755)):
            add(folder, tarfile.DIRTYPE, mode)
        add("bin/busybox", data=program)
        for name in names:
            if name != "busybox":
                add("bin/" + name, tarfile.SYMTYPE, 0o777, link="busybox")
        add("etc/passwd", mode=0o644, data=b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"
                                           b"app:x:1000:1000:App:/home:/bin/sh\n")
        add("etc/group", mode=0o644, data=b"root:x:0:\nnogroup:x:65534:\napp:x:1000:\nextra:x:1001:app\n")
    return out.getvalue()


def image_config(config, diff_ids):
    return {
        "created": "2026-01-01T00:00:00Z", "architecture": "amd64", "os": "linux",
        "config": {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], **config},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": [{"created": "2026-01-01T00:00:00Z", "created_by": "test"} for _ in diff_ids],
    }


def write_archive(path, layers, config, name=None, compress=True):
    """An OCI archive at PATH. LAYERS: tars as bytes, bottom first. Gives the manifest's digest."""
    blobs, descriptors = {}, []
    for layer in layers:
        data = gzip.compress(layer, 6, mtime=0) if compress else layer
        blobs[digest(data)] = data
        descriptors.append({"mediaType": TAR + ("+gzip" if compress else ""), "digest": digest(data),
                            "size": len(data)})
    body = json.dumps(image_config(config, [digest(layer) for layer in layers])).encode()
    blobs[digest(body)] = body
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": MEDIA + "manifest.v1+json",
        "config": {"mediaType": MEDIA + "config.v1+json", "digest": digest(body), "size": len(body)},
        "layers": descriptors,
    }).encode()
    blobs[digest(manifest)] = manifest
    index = {"schemaVersion": 2, "manifests": [{
        "mediaType": MEDIA + "manifest.v1+json", "digest": digest(manifest), "size": len(manifest),
        "annotations": {"org.opencontainers.image.ref.name": name} if name else {}}]}
    files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": json.dumps(index).encode()}
    files.update({"blobs/sha256/" + key[7:]: data for key, data in blobs.items()})
    with tempfile.NamedTemporaryFile(dir=os.path.dirname(path) or ".", delete=False) as part:
        with tarfile.open(fileobj=part, mode="w") as tar:
            for file_name, data in files.items():
                info = tarfile.TarInfo(file_name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    os.rename(part.name, path)
    return digest(manifest)


def make(name, folder="build/images"):
    """FOLDER/NAME.oci.tar, made where it is not there."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / f"{name}.oci.tar"
    if archive.exists():
        return str(archive)
    if name == "busybox":
        write_archive(str(archive), [busybox_tar()], {"Cmd": ["sh"]}, name="busybox:latest")
        return str(archive)

    rootfs = folder / f"{name}.rootfs.tar"
    packages, config = SERVERS.get(name, (None, {"Cmd": ["bash"]}))
    if not rootfs.exists():
        mmdebstrap(rootfs, [packages] if packages else [], CUSTOMIZE.get(name, []))
    write_archive(str(archive), [rootfs.read_bytes()], config,
                  name=f"debian:{SUITE}" if name == "debian" else f"{name}:latest")
    if name != "debian":
        rootfs.unlink()
    return str(archive)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    print(make(*sys.argv[1:]))
