# SPDX-License-Identifier: Apache-2.0
"""Verbs on an instance's files: export, copy in both directions, diff, commit. Class D of the security page."""
import base64
import http.client
import io
import json
import os
import socket
import subprocess
import tarfile
import threading
import time
import urllib.parse

import pytest

IMAGE = "busybox:latest"
FOREVER = "while :; do sleep 0.05; done"
FLAGS = []
HOST_MARK = "/etc/berth-e2e-mark"


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(str(self.path))


@pytest.fixture(autouse=True)
def isolated(flags):
    """Everything here runs once per isolation."""
    FLAGS[:] = flags


@pytest.fixture
def archive(engine):
    """archive(method, instance, path, body, **query): status, body and what the header says of the path."""
    def call(method, instance, path, body=None, **query):
        connection = Connection(engine.socket)
        target = f"/containers/{instance}/archive?" + urllib.parse.urlencode({"path": path, **query})
        connection.request(method, target, body)
        answer = connection.getresponse()
        head = answer.getheader("X-Docker-Container-Path-Stat")
        return answer.status, answer.read(), head and json.loads(base64.b64decode(head))
    return call


@pytest.fixture
def docker(engine):
    def call(*words, check=True, **options):
        options.setdefault("stdin", subprocess.DEVNULL) if "input" not in options else None
        done = subprocess.run(["docker", "-H", engine.host, *map(str, words)], capture_output=True, timeout=120, **options)
        assert not check or done.returncode == 0, (words, done.stdout, done.stderr)
        return done
    return call


def tar_of(*members):
    """A tar of (name, content) or (name, {attributes})."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, what in members:
            info = tarfile.TarInfo(name)
            content = b""
            if isinstance(what, dict):
                for key, value in what.items():
                    setattr(info, key, value)
            else:
                content = what
                info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def link(target, kind=tarfile.SYMTYPE):
    return {"type": kind, "linkname": target}


def entries(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {m.name: m for m in tar.getmembers()}


def content(data, name):
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return tar.extractfile(name).read()


def start(engine, name, script="", *flags, image=IMAGE):
    engine.berth("run", "-d", *FLAGS, "--name", name, "--network", "none", *flags, image, "sh", "-c",
                 f"{script}\ntouch /tmp/ready\n{FOREVER}")
    deadline = time.monotonic() + 20
    while engine.berth("cp", f"{name}:/tmp/ready", "-", check=False).returncode != 0:
        assert time.monotonic() < deadline, engine.berth("logs", name, check=False).stderr
        time.sleep(0.05)


CHANGES = ("rm /bin/vi; echo app:x:77:77::/:/bin/sh >> /etc/passwd; mkdir -p /made/deep; echo text > /made/deep/file;"
           "chown 1000:1000 /made/deep/file; chmod 4755 /made/deep/file; ln /made/deep/file /made/hard;"
           "ln -s /etc/passwd /made/soft; mkfifo /made/fifo; rm -rf /home; mkdir /home; touch /home/new; chmod 700 /srv")


# ---- Export -----------------------------------------------------------------------------------------------------

def test_an_export_holds_the_merged_root_with_its_own_owners_running_or_not(engine, name):
    start(engine, name, CHANGES)
    running = engine.berth("export", name, text=False).stdout
    engine.berth("stop", "-t", "0", name)
    stopped = engine.berth("export", name, text=False).stdout
    for data in (running, stopped):
        all_of = entries(data)
        assert "bin/vi" not in all_of and "bin/busybox" in all_of
        file = all_of["made/deep/file"]
        assert (file.uid, file.gid, file.mode) == (1000, 1000, 0o4755)
        assert all_of["made/hard"].islnk() and all_of["made/hard"].linkname == "made/deep/file"
        assert all_of["made/soft"].linkname == "/etc/passwd" and all_of["made/fifo"].isfifo()
        assert (all_of["etc/passwd"].uid, all_of["srv"].mode) == (0, 0o700)
        assert content(data, "made/deep/file") == b"text\n"
        assert "proc/self" not in all_of and "home/new" in all_of
    assert sorted(entries(running)) == sorted(entries(stopped))


@pytest.mark.isolations("container")
def test_an_export_leaves_out_what_is_mounted_in_the_instance(engine, name, tmp_path):
    (tmp_path / "secret").write_text("of the host")
    start(engine, name, "", "-v", f"{tmp_path}:/data", "--tmpfs", "/scratch")
    all_of = entries(engine.berth("export", name, text=False).stdout)
    assert all_of["data"].isdir() and "data/secret" not in all_of and not [n for n in all_of if n.startswith("dev/")]


def test_an_export_comes_back_by_import(engine, docker, name):
    start(engine, name, CHANGES)
    data = docker("export", name).stdout
    image = engine.berth("import", "-", input=data, text=False).stdout.decode().strip()
    assert engine.out("run", "--rm", *FLAGS, image, "/bin/cat", "/made/deep/file") == "text"


# ---- Copy -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("running", [True, False], ids=["running", "stopped"])
def test_copies_keep_content_owner_mode_and_links_both_ways(engine, docker, name, tmp_path, running):
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    (source / "file").write_text("one")
    os.chown(source / "file", 1000, 1000)
    os.chmod(source / "file", 0o4750)
    os.link(source / "file", source / "hard")
    os.symlink("file", source / "soft")
    start(engine, name)
    if not running:
        engine.berth("stop", "-t", "0", name)
    docker("cp", source, f"{name}:/srv/new")
    engine.berth("cp", source, f"{name}:/srv")
    if not running:
        engine.berth("start", name)
    for folder in ("/srv/new", "/srv/source"):
        out = engine.out("exec", name, "sh", "-c", f"cd {folder}; stat -c '%u:%g %a %h' file; readlink soft; cat hard; ls -d sub")
        assert out == "1000:1000 4750 2\nfile\nonesub"
    if not running:
        engine.berth("stop", "-t", "0", name)
    back = tmp_path / "back"
    engine.berth("cp", "-a", f"{name}:/srv/new", back)
    status = os.stat(back / "file")
    assert (status.st_uid, status.st_mode & 0o7777, (back / "hard").read_text()) == (1000, 0o4750, "one")
    assert os.readlink(back / "soft") == "file"
    assert content(docker("cp", f"{name}:/srv/new/file", "-").stdout, "file") == b"one"


def test_what_was_copied_into_a_stopped_instance_is_the_instances_own(engine, docker, name, tmp_path):
    (tmp_path / "file").write_text("x")
    engine.berth("create", *FLAGS, "--name", name, IMAGE, "sh", "-c", "echo more >> /etc/file && touch /etc/other && cat /etc/file")
    docker("cp", tmp_path / "file", f"{name}:/etc/file")
    assert engine.out("start", "-a", name) == "xmore"


def test_paths_are_told_by_a_header_as_docker_tells_them(engine, archive, name):
    start(engine, name, "ln -s /tmp /link; ln -s loop /loop")
    status, _, stat = archive("HEAD", name, "/etc")
    assert (status, stat["name"], stat["mode"] >> 31, stat["linkTarget"]) == (200, "etc", 1, "")
    status, _, stat = archive("HEAD", name, "/link")
    assert (status, stat["linkTarget"], stat["mode"] >> 27 & 1) == (200, "/tmp", 1)
    assert archive("HEAD", name, "/link/")[2]["mode"] >> 31 == 1
    assert archive("HEAD", name, "../../../etc/passwd")[2]["name"] == "passwd"
    assert archive("HEAD", name, "/none")[0] == 404 and archive("GET", name, "/loop/x")[0] >= 400
    assert archive("GET", name, "/etc/passwd/")[0] == 400
    assert archive("PUT", name, "/etc/passwd", tar_of())[0] == 400
    assert archive("PUT", name, "/none", tar_of())[0] == 404
    names = list(entries(archive("GET", name, "/etc/.")[1]))
    assert "./passwd" in names or "passwd" in names
    assert "etc/passwd" in entries(archive("GET", name, "/etc/")[1])


def test_kinds_are_kept_where_asked_for(engine, archive, name):
    start(engine, name, "mkdir /srv/folder; touch /srv/file")
    over_folder = tar_of(("folder", b"now a file"))
    over_file = tar_of(("file", {"type": tarfile.DIRTYPE, "mode": 0o755}))
    for body in (over_folder, over_file):
        status, text, _ = archive("PUT", name, "/srv", body, noOverwriteDirNonDir="true")
        assert status == 400 and b"cannot overwrite" in text
    assert archive("PUT", name, "/srv", over_folder)[0] == 200
    assert archive("PUT", name, "/srv", over_file)[0] == 200
    assert engine.out("exec", name, "sh", "-c", "cat /srv/folder; test -d /srv/file && echo swapped") == "now a fileswapped"


def test_owners_become_the_instances_user_where_asked_for(engine, archive, name):
    start(engine, name, "", "-u", "app")
    body = tar_of(("mine", {"uid": 5, "gid": 5}))
    assert archive("PUT", name, "/srv", body, copyUIDGID="true")[0] == 200
    assert archive("PUT", name, "/tmp", body)[0] == 200
    wanted = engine.out("exec", name, "sh", "-c", "id -u; id -g").replace("\n", ":")
    assert engine.out("exec", name, "stat", "-c", "%u:%g", "/srv/mine") == wanted
    assert engine.out("exec", name, "stat", "-c", "%u:%g", "/tmp/mine") == "5:5"


@pytest.mark.isolations("container")
def test_mounts_of_a_running_instance_are_seen_and_read_only_ones_hold(engine, docker, archive, name, tmp_path):
    (tmp_path / "rw").mkdir()
    (tmp_path / "ro").mkdir()
    (tmp_path / "rw" / "there").write_text("host")
    start(engine, name, "", "-v", f"{tmp_path}/rw:/rw", "-v", f"{tmp_path}/ro:/ro:ro", "--tmpfs", "/scratch")
    assert content(docker("cp", f"{name}:/rw/there", "-").stdout, "there") == b"host"
    assert archive("PUT", name, "/rw", tar_of(("new", b"in")))[0] == 200
    assert (tmp_path / "rw" / "new").read_text() == "in" and os.stat(tmp_path / "rw" / "new").st_uid == 0
    assert archive("PUT", name, "/scratch", tar_of(("new", b"in")))[0] == 200
    assert engine.out("exec", name, "cat", "/scratch/new") == "in"
    assert archive("PUT", name, "/ro", tar_of(("new", b"in")))[0] >= 400
    assert not (tmp_path / "ro" / "new").exists()
    engine.berth("stop", "-t", "0", name)
    status, text, _ = archive("GET", name, "/rw/there")
    assert status == 409 and b"only while the container runs" in text


def test_a_read_only_root_is_not_written_to(engine, archive, name):
    engine.berth("run", "-d", *FLAGS, "--name", name, "--read-only", "--tmpfs", "/scratch", IMAGE, "sh", "-c", FOREVER)
    assert archive("PUT", name, "/srv", tar_of(("x", b"x")))[0] >= 400
    assert archive("PUT", name, "/scratch", tar_of(("x", b"x")))[0] == 200
    engine.berth("stop", "-t", "0", name)
    assert archive("PUT", name, "/srv", tar_of(("x", b"x")))[0] >= 400


# ---- D1: hostile trees and archives ---------------------------------------------------------------------------

LINKS = ["/etc", "../../../../../../../../etc", "/proc/1/root/etc", "/proc/self/root/etc", "/proc/1/cwd/../etc"]


@pytest.fixture
def mark():
    """A file of the host that nothing may read or change."""
    with open(HOST_MARK, "w") as f:
        f.write("of the host")
    before = (os.stat(HOST_MARK), sorted(os.listdir("/etc")))
    yield
    after = (os.stat(HOST_MARK), sorted(os.listdir("/etc")))
    os.unlink(HOST_MARK)
    assert before[1] == after[1] and before[0][:9] == after[0][:9]


@pytest.mark.parametrize("running", [True, False], ids=["running", "stopped"])
@pytest.mark.parametrize("target", LINKS)
def test_d1_links_of_the_instance_lead_nowhere_outside(engine, archive, mark, name, target, running):
    start(engine, name, f"ln -s {target} /srv/link; mkdir /srv/plain; ln -s /srv/plain /srv/benign")
    if not running:
        engine.berth("stop", "-t", "0", name)
    file = os.path.basename(HOST_MARK)
    status, data, _ = archive("GET", name, f"/srv/link/{file}")
    assert status >= 400 and b"of the host" not in data
    archive("PUT", name, "/srv/link", tar_of(("through-folder", b"x")))
    archive("PUT", name, "/srv", tar_of(("link/through-entry", b"x"), ("link/made/deep", b"x")))
    archive("PUT", name, "/srv", tar_of((f"link/{file}", b"overwritten")))
    assert archive("PUT", name, "/srv/benign", tar_of(("a/b", b"x")))[0] == 200
    assert content(archive("GET", name, "/srv/plain/a/b")[1], "b") == b"x"


@pytest.mark.parametrize("body", [
    pytest.param(tar_of(("../../../../etc/dots", b"x")), id="dots"),
    pytest.param(tar_of(("out", link("/etc")), ("out/through", b"x")), id="symlink-then-entry"),
    pytest.param(tar_of(("out", link("../../../../../etc")), ("out/through", b"x")), id="relative-symlink"),
    pytest.param(tar_of(("hard", link("../../../../../etc/berth-e2e-mark", tarfile.LNKTYPE)), ("hard", b"x")), id="hard-link"),
    pytest.param(tar_of(("out", link("/etc")), ("hard", link("out/berth-e2e-mark", tarfile.LNKTYPE)), ("hard", b"x")),
                 id="hard-link-through-symlink"),
    pytest.param(tar_of(("/etc/absolute", b"x")), id="absolute"),
])
def test_d1_archives_are_contained(engine, archive, mark, name, body):
    start(engine, name)
    archive("PUT", name, "/srv", body)
    assert archive("PUT", name, "/srv", tar_of(("benign", b"x"), ("twin", link("benign", tarfile.LNKTYPE))))[0] == 200
    assert engine.out("exec", name, "cat", "/srv/twin") == "x"


def test_d1_devices_are_inert_and_whiteouts_refused(engine, archive, name):
    start(engine, name)
    disk = {"type": tarfile.BLKTYPE, "devmajor": 8, "devminor": 0, "mode": 0o666}
    assert archive("PUT", name, "/srv", tar_of(("disk", disk), ("null", {"type": tarfile.CHRTYPE, "devmajor": 1,
                                                                            "devminor": 3, "mode": 0o666})))[0] == 200
    assert engine.out("exec", name, "stat", "-c", "%t:%T", "/srv/disk") != "8:0"
    assert engine.out("exec", name, "stat", "-c", "%t:%T", "/srv/null") == "1:3"
    assert archive("PUT", name, "/srv", tar_of(("gone", {"type": tarfile.CHRTYPE, "devmajor": 0, "devminor": 0})))[0] == 400


@pytest.mark.isolations("container")
def test_d1_owners_that_the_instance_has_not_are_refused(engine, archive, name):
    start(engine, name)
    assert archive("PUT", name, "/srv", tar_of(("file", {"uid": 70000})))[0] == 400
    assert archive("PUT", name, "/srv", tar_of(("file", {"uid": 65535})))[0] == 200


def test_d2_nothing_of_the_instance_is_executed(engine, docker, archive, name):
    trojans = " ".join("/bin/" + t for t in ("xz", "gzip", "unpigz", "zstd", "tar", "nsenter", "ps"))
    start(engine, name, f"for t in {trojans}; do rm -f $t; printf '#!/bin/sh\\ntouch /ran-$$\\n' > $t; chmod 755 $t; done")
    import gzip
    assert archive("PUT", name, "/srv", gzip.compress(tar_of(("file", b"x"))))[0] == 200
    docker("cp", f"{name}:/srv/file", "-")
    docker("top", name)
    engine.berth("export", name, text=False)
    docker("diff", name)
    engine.berth("stats", "--no-stream", name)
    assert engine.out("exec", name, "sh", "-c", "ls / | grep ran- || echo none") == "none"
    assert not [n for n in os.listdir("/") if n.startswith("ran-")]


@pytest.mark.timeout(120)
def test_d3_an_instance_that_exchanges_paths_meanwhile_is_contained(engine, archive, mark, name):
    start(engine, name, "mkdir -p /srv/a/etc /srv/keep; (while :; do mv /srv/a /srv/keep/a; ln -s / /srv/a; rm /srv/a;"
                        " mv /srv/keep/a /srv/a; done) 2>/dev/null &")
    file = os.path.basename(HOST_MARK)
    deadline = time.monotonic() + 8
    done = 0

    def reader():
        while time.monotonic() < deadline:
            data = archive("GET", name, f"/srv/a/etc/{file}")[1]
            assert b"of the host" not in data

    thread = threading.Thread(target=reader)
    thread.start()
    while time.monotonic() < deadline:
        archive("PUT", name, "/srv", tar_of((f"a/etc/{file}", b"x"), ("a/etc/new/deep", b"x")))
        done += archive("PUT", name, "/srv/a", tar_of(("etc/other", b"x")))[0] == 200
    thread.join()
    assert done > 0 and not thread.is_alive()


@pytest.mark.parametrize("passwd", ["truncate -s 10G /etc/passwd", "rm /etc/passwd; mkfifo /etc/passwd",
                                    "rm /etc/passwd; ln -s /etc/passwd /etc/passwd", "rm /etc/passwd; ln -s /dev/zero /etc/passwd"])
def test_d4_a_hostile_passwd_is_answered_in_time(engine, archive, name, passwd):
    start(engine, name, passwd, "-u", "0")
    before = time.monotonic()
    archive("PUT", name, "/srv", tar_of(("file", b"x")), copyUIDGID="true")
    assert time.monotonic() - before < 5


def test_d5_copying_out_follows_no_link_that_comes_with_it(engine, name, tmp_path, mark):
    start(engine, name, f"mkdir /srv/out; ln -s /etc /srv/out/link; echo x > /srv/out/{os.path.basename(HOST_MARK)}")
    target = tmp_path / "target"
    target.mkdir()
    os.symlink("/etc", target / "out")
    engine.berth("cp", f"{name}:/srv/out", target, check=False)
    engine.berth("cp", f"{name}:/srv/out", tmp_path / "fresh")
    assert os.readlink(tmp_path / "fresh" / "link") == "/etc"


def test_a_cut_upload_leaves_the_engine_and_the_instance_usable(engine, archive, name):
    start(engine, name)
    body = tar_of(("big", b"x" * 1000000))
    for _ in range(3):
        s = socket.socket(socket.AF_UNIX)
        s.connect(str(engine.socket))
        s.sendall(f"PUT /containers/{name}/archive?path=/srv HTTP/1.1\r\nHost: d\r\nContent-Length: {len(body)}\r\n\r\n"
                  .encode() + body[:300000])
        s.close()
    assert archive("PUT", name, "/srv", tar_of(("after", b"x")))[0] == 200
    engine.berth("stop", "-t", "0", name)


# ---- Diff and commit ------------------------------------------------------------------------------------------

def test_a_diff_tells_what_was_added_changed_and_deleted(engine, docker, name):
    start(engine, name, CHANGES)
    wanted = ["D /bin/vi", "C /etc", "C /etc/passwd", "C /home", "A /home/new", "A /made", "A /made/deep",
              "A /made/deep/file", "A /made/fifo", "A /made/hard", "A /made/soft", "C /srv", "C /tmp", "A /tmp/ready"]
    assert engine.out("diff", name).splitlines() == ["C /bin", *wanted]
    assert sorted(docker("diff", name).stdout.decode().splitlines()) == sorted(["C /bin", *wanted])


def test_an_instance_that_changed_nothing_has_no_diff(engine, name):
    engine.berth("create", *FLAGS, "--name", name, IMAGE, "true")
    assert engine.out("diff", name) == ""
    engine.berth("start", "-a", name)
    assert engine.out("diff", name) == ""


@pytest.mark.parametrize("running", [True, False], ids=["running", "stopped"])
def test_a_commit_is_an_image_of_what_changed(engine, docker, name, running):
    start(engine, name, CHANGES, "-e", "WORD=kept", "-l", "label=kept")
    if not running:
        engine.berth("stop", "-t", "0", name)
    image = docker("commit", "-m", "why", "-a", "who", "-c", 'CMD ["sh","-c","echo $WORD; stat -c %u:%a /made/hard; ls /home"]',
                   name, f"{name}:made").stdout.decode().strip()
    assert engine.out("run", "--rm", *FLAGS, f"{name}:made").splitlines() == ["kept", "1000:4755", "new"]
    assert engine.berth("run", "--rm", *FLAGS, image, "ls", "/bin/vi", check=False).returncode != 0
    inspected = json.loads(engine.out("image", "inspect", f"{name}:made"))[0]
    assert inspected["Author"] == "who" and inspected["Config"]["Labels"]["label"] == "kept"
    assert "why" in engine.out("history", f"{name}:made")
    if running:
        assert engine.inspect(name)["State"]["Status"] == "running"
    engine.berth("rmi", f"{name}:made")


def test_commits_of_the_same_changes_have_the_same_layer(engine, name):
    start(engine, name, CHANGES)
    images = [engine.out("commit", name) for _ in range(2)]
    layers = [json.loads(engine.out("image", "inspect", i))[0]["RootFS"]["Layers"] for i in images]
    assert layers[0] == layers[1] and len(layers[0]) == 2
    engine.berth("rmi", *images)


def test_a_commit_of_a_commit_runs(engine, name):
    engine.berth("run", *FLAGS, "--name", name, IMAGE, "sh", "-c", "echo one > /srv/file; mkdir /srv/dir; touch /srv/dir/a")
    engine.berth("commit", name, f"{name}:1")
    engine.berth("run", *FLAGS, "--name", name + "b", f"{name}:1", "sh", "-c", "rm -r /srv/dir; echo two >> /srv/file")
    engine.berth("commit", name + "b", f"{name}:2")
    assert engine.out("run", "--rm", *FLAGS, f"{name}:2", "sh", "-c", "cat /srv/file; ls /srv") == "one\ntwo\nfile"
    engine.berth("rm", name, name + "b")
    engine.berth("rmi", f"{name}:2", f"{name}:1")
