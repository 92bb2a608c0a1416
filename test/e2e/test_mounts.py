# SPDX-License-Identifier: Apache-2.0
"""Bind mounts: owners stay as they are on both sides, read-only holds, a hostile target is contained."""
import os

import pytest

IMAGE = "busybox:latest"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "file").write_text("from-host\n")
    os.chmod(tmp_path, 0o755)
    return tmp_path


def test_a_folder_of_the_host_is_seen_and_written_with_its_owners(engine, folder):
    os.chown(folder / "file", 0, 0)
    (folder / "app").mkdir()
    os.chown(folder / "app", 1000, 1000)
    out = engine.out("run", "--rm", "-v", f"{folder}:/data", IMAGE, "sh", "-c",
                     "cat /data/file; stat -c %u:%g /data/file /data/app; echo new > /data/new")
    assert out == "from-host\n0:0\n1000:1000"
    status = os.stat(folder / "new")
    assert (status.st_uid, status.st_gid) == (0, 0)
    engine.berth("run", "--rm", "-u", "app", "-v", f"{folder}:/data", IMAGE, "touch", "/data/app/mine")
    assert os.stat(folder / "app" / "mine").st_uid == 1000


def test_a_read_only_mount_refuses_writes_and_its_twin_takes_them(engine, folder):
    done = engine.berth("run", "--rm", "-v", f"{folder}:/data:ro", IMAGE, "sh", "-c", "echo x > /data/new", check=False)
    assert done.returncode != 0 and "Read-only file system" in done.stderr
    assert not (folder / "new").exists()
    engine.berth("run", "--rm", "-v", f"{folder}:/data:rw", IMAGE, "sh", "-c", "echo x > /data/new")
    assert (folder / "new").read_text() == "x\n"


def test_a_file_can_be_mounted_over_a_file(engine, folder):
    assert engine.out("run", "--rm", "-v", f"{folder}/file:/etc/passwd:ro", IMAGE, "cat", "/etc/passwd") == "from-host"
    assert engine.out("run", "--rm", "-v", f"{folder}/file:/new/place", IMAGE, "cat", "/new/place") == "from-host"


def test_a_source_that_is_not_there_is_refused_by_mount_and_made_by_v(engine, folder):
    done = engine.berth("run", "--rm", "--mount", f"type=bind,source={folder}/none,target=/data", IMAGE, "true", check=False)
    assert done.returncode == 125 and "none" in done.stderr
    assert not (folder / "none").exists()
    engine.berth("run", "--rm", "-v", f"{folder}/none:/data", IMAGE, "true")
    assert (folder / "none").is_dir()


@pytest.mark.parametrize("link", ["/etc", "../../../../../../etc", "/proc/self/root/etc", "/proc/1/root/etc"])
def test_a_target_behind_a_link_of_the_image_stays_inside(engine, folder, name, link):
    """A1: the mount's target is a symbolic link in the root file system; the host's own folder is never touched."""
    before = sorted(os.listdir("/etc"))
    engine.berth("create", "--name", name, IMAGE, "sh", "-c", f"rm -rf /target; ln -s {link} /target")
    engine.berth("start", "-a", name)
    archive = engine.berth("export", name, text=False).stdout
    image = engine.berth("import", "-", input=archive, text=False).stdout.decode().strip()
    done = engine.berth("run", "--rm", "-v", f"{folder}:/target/deep", image, "/bin/cat", "/etc/deep/file", check=False)
    if link.startswith("/proc"):
        assert done.returncode != 0
    else:
        assert done.stdout == "from-host\n"
    assert sorted(os.listdir("/etc")) == before


def test_two_mounts_on_one_target_are_refused(engine, folder):
    done = engine.berth("run", "--rm", "-v", f"{folder}:/data", "-v", f"{folder}:/data", IMAGE, "true", check=False)
    assert done.returncode == 125 and "/data" in done.stderr


def test_host_mounts_are_nosuid_and_nodev(engine, folder):
    options = engine.out("run", "--rm", "-v", f"{folder}:/data", IMAGE, "sh", "-c", "grep ' /data ' /proc/self/mountinfo")
    assert "nosuid" in options and "nodev" in options
