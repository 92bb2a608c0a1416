# SPDX-License-Identifier: Apache-2.0
"""Images: load, save, tag, remove, history, prune, import, export; archives of skopeo and docker."""
import io
import json
import subprocess
import tarfile

import pytest

import images


def layer(**files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data.encode()))
    return out.getvalue()


@pytest.fixture
def archive(tmp_path):
    def make(name, *layers, **config):
        path = str(tmp_path / "image.tar")
        images.write_archive(path, layers, config, name=name)
        return path
    return make


def test_load_names_what_it_loaded_and_images_lists_it(engine, archive):
    out = engine.out("load", "-i", archive("test/one:1", layer(a="1"), Cmd=["true"]))
    assert "test/one:1" in out
    row = json.loads(engine.out("images", "--format", "json", "test/one"))
    assert (row["Repository"], row["Tag"]) == ("test/one", "1")
    engine.berth("rmi", "test/one:1")
    assert engine.out("images", "-q", "test/one") == ""


def test_layers_lie_over_one_another_and_whiteouts_hide(engine, archive):
    first = images.busybox_tar()
    second = layer(**{"etc/.wh.group": "", "etc/new": "new", "srv/a": "1"})
    third = layer(**{"srv/.wh..wh..opq": "", "srv/b": "2"})
    engine.berth("load", "-i", archive("test/layers:1", first, second, third, Cmd=["sh"]))
    out = engine.out("run", "--rm", "test/layers:1", "sh", "-c", "ls /etc /srv; cat /etc/new /srv/b")
    assert out.split() == ["/etc:", "new", "passwd", "/srv:", "b", "new2"] or out.replace("\n", " ").split()[-1] == "new2"
    assert "group" not in out and "hosts" not in out.split("/srv:")[1]
    engine.berth("rmi", "test/layers:1")


def test_saved_archives_are_read_by_skopeo_and_come_back_equal(engine, tmp_path):
    before = engine.inspect("busybox:latest")["Id"]
    path = str(tmp_path / "saved.tar")
    engine.berth("save", "-o", path, "busybox:latest")
    for kind in ("docker-archive", "oci-archive"):
        shown = subprocess.run(["skopeo", "inspect", "--config", f"{kind}:{path}"], capture_output=True, text=True)
        assert shown.returncode == 0, (kind, shown.stderr)
    engine.berth("tag", "busybox:latest", "test/keep:1")
    engine.berth("rmi", "busybox:latest")
    engine.berth("load", "-i", path)
    assert engine.inspect("busybox:latest")["Id"] == before
    engine.berth("rmi", "test/keep:1")


def test_a_docker_archive_of_skopeo_is_loaded(engine, image_archive, tmp_path):
    path = str(tmp_path / "docker.tar")
    subprocess.run(["skopeo", "copy", "--quiet", f"oci-archive:{image_archive('busybox')}",
                    f"docker-archive:{path}:test/from-docker:2"], check=True)
    engine.berth("load", input=open(path, "rb").read(), text=False)
    assert engine.out("run", "--rm", "test/from-docker:2", "echo", "ok") == "ok"
    engine.berth("rmi", "test/from-docker:2")


def test_tags_come_and_go_and_the_last_takes_the_image(engine, archive):
    engine.berth("load", "-i", archive("test/tags:1", layer(x="tags")))
    identifier = engine.inspect("test/tags:1")["Id"]
    engine.berth("tag", "test/tags:1", "test/tags:2")
    assert "Untagged" in engine.out("rmi", "test/tags:1")
    assert engine.inspect(identifier[7:19])["RepoTags"] == ["test/tags:2"]
    assert "Deleted" in engine.out("rmi", "test/tags:2")
    assert engine.berth("inspect", identifier, check=False).returncode != 0


def test_an_image_in_use_is_not_removed(engine, archive, name):
    engine.berth("load", "-i", archive("test/used:1", images.busybox_tar(), layer(x="used"), Cmd=["sh"]))
    engine.berth("create", "--name", name, "test/used:1")
    done = engine.berth("rmi", "test/used:1", check=False)
    assert done.returncode != 0 and "conflict" in done.stderr
    assert engine.out("run", "--rm", "test/used:1", "echo", "still") == "still"
    engine.berth("rm", name)
    engine.berth("rmi", "test/used:1")


def test_history_and_inspect_show_the_configuration(engine, archive):
    engine.berth("load", "-i", archive("test/config:1", layer(x="config"), Cmd=["a", "b"], Env=["A=1"], User="app",
                                      WorkingDir="/srv", StopSignal="SIGINT", Labels={"k": "v"}))
    shown = engine.inspect("test/config:1")
    assert shown["Config"]["Cmd"] == ["a", "b"] and shown["Config"]["User"] == "app"
    assert shown["Config"]["Labels"] == {"k": "v"} and shown["Architecture"] == "amd64"
    assert len(engine.out("history", "-q", "test/config:1").splitlines()) == 1
    engine.berth("rmi", "test/config:1")


def test_export_and_import_carry_a_root_file_system(engine, name):
    engine.berth("create", "--name", name, "busybox:latest", "sh", "-c", "echo made > /made; rm /etc/group")
    engine.berth("start", "-a", name)
    exported = engine.berth("export", name, text=False).stdout
    names = set(tarfile.open(fileobj=io.BytesIO(exported)).getnames())
    assert "made" in names and "bin/busybox" in names and "etc/group" not in names
    members = {m.name: m for m in tarfile.open(fileobj=io.BytesIO(exported)).getmembers()}
    assert members["etc/passwd"].uid == 0 and members["tmp"].mode & 0o7777 == 0o1777
    identifier = engine.berth("import", "-c", "CMD [\"cat\", \"/made\"]", "-", "test/imported:1", input=exported, text=False).stdout
    assert identifier.startswith(b"sha256:")
    assert engine.out("run", "--rm", "test/imported:1") == "made"
    engine.berth("rmi", "test/imported:1")


def test_prune_removes_what_has_no_name(engine, archive):
    engine.berth("load", "-i", archive("test/prune:1", layer(x="old")))
    old = engine.inspect("test/prune:1")["Id"]
    engine.berth("load", "-i", archive("test/prune:1", layer(x="new")))
    engine.berth("image", "prune", "-f")
    assert engine.berth("inspect", old, check=False).returncode != 0
    assert engine.inspect("test/prune:1")["Id"] != old
    engine.berth("rmi", "test/prune:1")


@pytest.mark.parametrize("member, link", [
    ("../escape", None), ("a/../../escape", None), ("/abs", None), ("hard", "../../../../etc/passwd"), ("link", "/etc"),
])
def test_a_hostile_layer_is_refused_or_contained(engine, tmp_path, member, link):
    """E1, a handful of its cases through the whole engine; the corpus itself runs in the unit tests."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo(member)
        if link:
            info.type = tarfile.LNKTYPE if member == "hard" else tarfile.SYMTYPE
            info.linkname = link
            tar.addfile(info)
            if member == "link":
                behind = tarfile.TarInfo("link/planted")
                behind.size = 1
                tar.addfile(behind, io.BytesIO(b"x"))
        else:
            info.size = 1
            tar.addfile(info, io.BytesIO(b"x"))
    path = str(tmp_path / "hostile.tar")
    images.write_archive(path, [images.busybox_tar(), out.getvalue()], {"Cmd": ["sh"]}, name="test/hostile:1")
    done = engine.berth("load", "-i", path, check=False)
    assert not (tmp_path / "escape").exists() and not (engine.state.parent / "escape").exists()
    import os
    assert not os.path.exists("/etc/planted")
    if done.returncode == 0:
        engine.berth("run", "--rm", "test/hostile:1", "true")
        engine.berth("rmi", "test/hostile:1")
    assert engine.out("run", "--rm", "busybox:latest", "echo", "alive") == "alive"


def test_an_archive_that_is_none_is_refused(engine, tmp_path):
    (tmp_path / "junk").write_bytes(b"junk" * 5000)
    assert engine.berth("load", "-i", str(tmp_path / "junk"), check=False).returncode != 0
    (tmp_path / "empty").write_bytes(b"")
    assert engine.berth("load", "-i", str(tmp_path / "empty"), check=False).returncode != 0


def test_folder_mode_runs_the_same_images(own_engine):
    engine = own_engine("--store-mode", "folder")
    out = engine.out("run", "--rm", "busybox:latest", "sh", "-c", "stat -c %u:%g:%a /tmp /etc/passwd; cat /proc/self/uid_map")
    assert out.splitlines()[:2] == ["0:0:1777", "0:0:644"]
    assert out.splitlines()[2].split()[1] != "0"
