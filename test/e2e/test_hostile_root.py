# SPDX-License-Identifier: Apache-2.0
"""Class A: an image that has put something else wherever Berth mounts or makes something. Nothing of the host changes."""
import os
import tarfile

import pytest

import roots

IMAGE = "busybox:latest"
TARGETS = ["proc", "sys", "dev", "dev/pts", "dev/shm", "dev/mqueue", "dev/console", "dev/null", "dev/ptmx", "dev/fd",
           "etc", "etc/resolv.conf", "etc/hosts", "etc/hostname", "etc/passwd", "etc/group", "run", "tmp",
           "work", "work/below", "bind", "bind/below", "tmpfs", "tmpfs/below"]
SCRIPT = ("for p in /proc/x /sys/x /dev/x /dev/pts/x /dev/shm/x /etc/x /etc/hosts /etc/hostname /etc/resolv.conf /run/x /tmp/x "
          "/work/below/x /tmpfs/below/x; do (echo inside >> $p) 2>/dev/null; done; echo started")


@pytest.fixture
def canary(tmp_path):
    return roots.plant_canary(tmp_path / "canary")


@pytest.fixture
def source(tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "file").write_text("source\n")
    return tmp_path / "source"


def start(engine, image, source, *words):
    return engine.berth("run", "--rm", "-w", "/work/below", "-v", f"{source}:/bind/below:ro", "--tmpfs", "/tmpfs/below",
                        "--tmpfs", "/run", *words, image, "sh", "-c", SCRIPT, check=False, timeout=30)


@pytest.mark.parametrize("kind", roots.KINDS)
def test_A1_nothing_of_the_host_changes_whatever_stands_in_the_way(engine, tmp_path, canary, source, kind):
    started, host_null = 0, os.stat("/dev/null")
    before = roots.manifest(canary), roots.manifest(source), roots.manifest("/etc/hosts")
    for target in TARGETS:
        image = roots.load(engine, tmp_path, "test/hostile-root:1", [roots.layer(roots.member(target, kind, canary))])
        done = start(engine, image, source, *(["-t"] if target == "dev/console" else []))
        assert (roots.manifest(canary), roots.manifest(source), roots.manifest("/etc/hosts")) == before, target
        started += done.returncode == 0
        if done.returncode == 0:
            assert "started" in done.stdout, target
        else:
            assert done.returncode in (125, 126, 127), (target, done.stderr)
            assert done.stderr.startswith("berth: run: ") and target.split("/")[0] in done.stderr, (target, done.stderr)
        engine.berth("rmi", "-f", image)
    assert os.stat("/dev/null").st_ctime_ns == host_null.st_ctime_ns
    assert started >= 10, f"{kind}: only {started} of {len(TARGETS)} started"


def link(name, target):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info


def folder(name):
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, 0o755
    return info


def test_A1_twin_links_inside_of_an_image_are_followed_inside(engine, tmp_path, source):
    layer = roots.layer(folder("run"), folder("real"), folder("nix/store/etc"), link("var/run", "/run"), link("var/lock", "../run/lock"),
                        link("lib64", "usr/lib64"), folder("usr/lib64"), link("data", "real"), link("work", "/real/work"),
                        roots.file_of("nix/store/etc/passwd", b"root:x:0:0::/root:/bin/sh\nnix:x:77:78::/:/bin/sh\n"),
                        link("etc/passwd", "/nix/store/etc/passwd"), link("etc/localtime", "/nowhere"))
    image = roots.load(engine, tmp_path, "test/usrmerge:1", [layer])
    out = engine.out("run", "--rm", "-u", "nix", "-w", "/work", "-v", f"{source}:/data/in", "--tmpfs", "/var/run", image, "sh", "-c",
                     "id -u; id -g; pwd -P; cat /real/in/file; grep -c ' /run tmpfs' /proc/self/mounts; readlink /var/run")
    assert out.splitlines() == ["77", "78", "/real/work", "source", "1", "/run"]


def test_A3_a_read_only_root_stays_so_whatever_links_it_holds(engine, tmp_path, source, canary):
    layer = roots.layer(link("work", "/tmp"), link("other", f"{canary}"), folder("place"))
    image = roots.load(engine, tmp_path, "test/read-only:1", [layer])
    out = engine.out("run", "--rm", "--read-only", "-v", f"{source}:/place", "--tmpfs", "/run", image, "sh", "-c",
                     "for p in /x /work/x /etc/x /etc/passwd; do (echo x >> $p) 2>&1; done | grep -c 'Read-only file system';"
                     "echo y > /run/y && echo z > /place/z && echo written")
    assert out.splitlines() == ["4", "written"]
    assert (source / "z").read_text() == "z\n"


def test_A4_masked_paths_are_empty_whatever_the_images_null_device_is(engine, tmp_path, canary):
    for kind in ("absolute link to a file", "file", "link by /proc/self/root"):
        image = roots.load(engine, tmp_path, "test/null:1", [roots.layer(roots.member("dev/null", kind, canary))])
        out = engine.out("run", "--rm", image, "sh", "-c",
                         "cat /proc/kcore /proc/keys /proc/timer_list | wc -c; (echo x > /proc/timer_list) 2>/dev/null || echo refused;"
                         "stat -c %t:%T /dev/null")
        assert out.splitlines() == ["0", "refused", "1:3"], kind


def test_A5_the_standard_streams_are_the_callers_pipes_also_with_a_hostile_console(engine, tmp_path, canary):
    layer = roots.layer(roots.member("dev/console", "absolute link to a file", canary),
                        roots.member("dev/stdout", "absolute link to a file", canary))
    before = roots.manifest(canary)
    image = roots.load(engine, tmp_path, "test/console:1", [layer])
    done = engine.berth("run", "-i", "--rm", image, "sh", "-c", "cat; echo out; echo err >&2; readlink /proc/self/fd/1", input="in\n")
    assert done.stdout.splitlines()[:2] == ["in", "out"] and done.stderr == "err\n"
    assert done.stdout.splitlines()[2].startswith("pipe:")
    assert "started" in engine.out("run", "-t", "--rm", image, "sh", "-c", "tty; echo started")
    assert roots.manifest(canary) == before
