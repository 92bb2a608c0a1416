# SPDX-License-Identifier: Apache-2.0
"""Every verb and flag on instances, once per isolation: what is seen here becomes docs/parity.md (support/parity.py)."""
import hashlib
import io
import json
import os
import pty
import re
import select
import subprocess
import tarfile
import time

import pytest

IMAGE = "busybox:latest"
TRAP = "trap 'exit 7' TERM"
FOREVER = "while :; do sleep 0.05; done"


def row(verb, what):
    """The row of the table that a test speaks for."""
    return pytest.mark.parity(verb, what)


def until(what, seconds=30):
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@pytest.fixture
def refused(isolation, record_property):
    """refused(done): the call failed and names the isolation; the reason becomes the table's."""
    def check(done):
        found = re.search(r"is not possible with isolation (\w+): (.*)", done.stderr)
        assert done.returncode != 0 and found, (done.stdout, done.stderr)
        assert found.group(1) == isolation
        record_property("refusal", found.group(2).strip())
    return check


@pytest.fixture(scope="module")
def shared(shared_engine, load_image, isolation, flags):
    """One running instance for all tests that do it no harm: shared(*words) is berth with its name at the end."""
    load_image("busybox")
    name = f"parity-{isolation}"
    shared_engine.berth("run", "-d", *flags, "--network", "none", "--name", name, IMAGE, "sh", "-c",
                        f"mkdir /made; echo text > /made/file; ln -s /made/file /made/link; rm /bin/vi; echo begun; {FOREVER}")
    until(lambda: "begun" in shared_engine.out("logs", name))
    yield name
    shared_engine.berth("rm", "-f", name)


@pytest.fixture(scope="module")
def stopped(shared_engine, load_image, isolation, flags):
    """The same for one that does not run any more."""
    load_image("busybox")
    name = f"parity-stopped-{isolation}"
    shared_engine.berth("run", *flags, "--network", "none", "--name", name, IMAGE, "sh", "-c", "mkdir /made; echo text > /made/file; exit 3",
                        check=False)
    yield name
    shared_engine.berth("rm", "-f", name)


@pytest.fixture
def run(engine, flags):
    """run(*flags and image's words): a foreground run that is removed."""
    def call(*options, command, check=True):
        words = command if isinstance(command, list) else ["sh", "-c", command]
        return engine.berth("run", "--rm", *flags, "--network", "none", *options, IMAGE, *words, check=check)
    return call


@pytest.fixture
def background(engine, flags, name):
    def call(*options, script=FOREVER, first=TRAP):
        engine.berth("run", "-d", *flags, "--network", "none", "--name", name, *options, IMAGE, "sh", "-c",
                     f"{first}; echo begun; {script}")
        until(lambda: "begun" in engine.out("logs", name))
        return name
    return call


def on_terminal(command, typed, wanted, seconds=30):
    """Runs COMMAND on a terminal, types, and gives what was shown once WANTED is in it, and the exit status."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    shown, deadline = "", time.monotonic() + seconds
    os.write(ours, typed)
    while process.poll() is None or wanted not in shown:
        assert time.monotonic() < deadline, shown
        if select.select([ours], [], [], 0.2)[0]:
            try:
                shown += os.read(ours, 65536).decode(errors="replace")
            except OSError:
                break
    os.close(ours)
    return shown, process.wait(seconds)


def names_in(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {m.name.strip("/") for m in tar.getmembers()}


# ---- Starting and ending ----------------------------------------------------------------------------------------

@row("run", "exit status, both output streams")
def test_run(run):
    done = run(command="echo out; echo err >&2; exit 5", check=False)
    assert (done.returncode, done.stdout, done.stderr) == (5, "out\n", "err\n")


@row("run -i", "standard input")
def test_run_input(engine, flags):
    text = "x" * 300000
    done = engine.berth("run", "--rm", "-i", *flags, "--network", "none", IMAGE, "md5sum", input=text)
    assert done.stdout.split()[0] == hashlib.md5(text.encode()).hexdigest()


@row("run -it", "a terminal with its size")
def test_run_terminal(engine, flags):
    shown, status = on_terminal(engine.command("run", "--rm", "-it", *flags, "--network", "none", IMAGE, "sh"),
                                b"tty; exit 9\n", "/dev/pts")
    assert "/dev/pts" in shown and status == 9


@row("create, start, wait", "exit status")
def test_create_start_wait(engine, flags, name):
    engine.berth("create", *flags, "--network", "none", "--name", name, IMAGE, "sh", "-c", "exit 4")
    engine.berth("start", name)
    assert engine.out("wait", name) == "4"


@row("stop", "the image's signal, then the grace period")
def test_stop(engine, background):
    name = background()
    engine.berth("stop", name)
    assert engine.inspect(name)["State"]["ExitCode"] == 7


@row("stop", "killed after the grace period")
def test_stop_of_the_deaf(engine, background):
    name = background(first="trap '' TERM")
    engine.berth("stop", "-t", "1", name)
    assert engine.inspect(name)["State"]["ExitCode"] == 137


@row("kill", "any signal")
def test_kill(engine, background):
    name = background("--init", first="trap 'echo hup' HUP")
    engine.berth("kill", "-s", "HUP", name)
    until(lambda: "hup" in engine.out("logs", name))
    engine.berth("kill", name)
    assert engine.out("wait", name) == "137"


@row("restart", "files stay, memory does not")
def test_restart(engine, background):
    name = background(script=f"echo x >> /count; {FOREVER}")
    engine.berth("restart", "-t", "0", name)
    until(lambda: engine.berth("exec", name, "wc", "-l", "/count", check=False).stdout.split()[:1] == ["2"])


@row("rm -f", "of a running instance")
def test_rm(engine, background):
    name = background()
    engine.berth("rm", "-f", name)
    assert engine.berth("inspect", name, check=False).returncode != 0


@row("run --restart", "on failure")
def test_restart_policy(engine, background):
    name = background("--restart", "on-failure:2", script="exit 1")
    until(lambda: engine.inspect(name)["RestartCount"] == 2 and engine.inspect(name)["State"]["Status"] == "exited", 60)


# ---- A running instance -----------------------------------------------------------------------------------------

@row("exec", "exit status, user, folder, environment")
def test_exec(shared_engine, shared):
    done = shared_engine.berth("exec", "-u", "1000:1000", "-w", "/made", "-e", "A=b", shared, "sh", "-c", "id -u; pwd; echo $A; exit 6",
                               check=False)
    assert (done.returncode, done.stdout) == (6, "1000\n/made\nb\n")


@row("exec -it", "a terminal")
def test_exec_terminal(shared_engine, shared):
    shown, status = on_terminal(shared_engine.command("exec", "-it", shared, "sh"), b"tty; exit 8\n", "/dev/pts")
    assert "/dev/pts" in shown and status == 8


@row("attach", "to a running instance, by its own end")
def test_attach(engine, background):
    name = background(script="sleep 1; while [ ! -e /go ]; do sleep 0.05; done; echo last; exit 3")
    attached = subprocess.Popen(engine.command("attach", "--no-stdin", name), stdout=subprocess.PIPE, text=True)
    try:
        time.sleep(0.3)
        engine.berth("exec", name, "touch", "/go")
        assert attached.communicate(timeout=30)[0].endswith("last\n") and attached.returncode == 3
    finally:
        attached.kill()


@row("logs", "of a running instance")
def test_logs(shared_engine, shared):
    assert shared_engine.out("logs", shared) == "begun"


@row("inspect", "state, process, configuration")
def test_inspect(shared_engine, shared, isolation):
    seen = shared_engine.inspect(shared)
    assert seen["State"]["Status"] == "running" and seen["State"]["Pid"] > 0
    assert (seen["HostConfig"]["Isolation"] == "vm") == (isolation == "vm")


@row("pause, unpause", "nothing runs meanwhile")
def test_pause(engine, background):
    name = background(script="while :; do date +%s%N > /now; sleep 0.05; done")
    engine.berth("pause", name)
    assert engine.inspect(name)["State"]["Status"] == "paused"
    assert "paused" in engine.berth("exec", name, "true", check=False).stderr
    engine.berth("unpause", name)
    assert engine.out("exec", name, "echo", "again") == "again"


@row("rename", "of a running instance")
def test_rename(engine, background):
    name = background()
    engine.berth("rename", name, name + "-new")
    assert engine.out("exec", name + "-new", "echo", "x") == "x"


@row("top", "the processes")
def test_top(shared_engine, shared):
    lines = shared_engine.out("top", shared).splitlines()
    assert lines[0].split()[:3] == ["UID", "PID", "PPID"] and "/made/link" in lines[1]
    assert shared_engine.out("top", shared, "-o", "pid,args").splitlines()[0].split() == ["PID", "COMMAND"]
    assert "only -ef" in shared_engine.berth("top", shared, "--sort=pid", check=False).stderr


@row("stats", "processor, memory, processes")
def test_stats(shared_engine, shared):
    seen = json.loads(shared_engine.out("stats", "--no-stream", "--format", "{{json .}}", shared))
    assert seen["Name"] == shared and 1 <= int(seen["PIDs"]) < 20 and not seen["MemUsage"].startswith("0B")


@row("update", "memory, processes and processor time of a running instance")
def test_update(engine, background, isolation):
    name = background("-m", "96m")
    engine.berth("update", "-m", "64m", "--memory-swap", "64m", "--pids-limit", "30", "--cpus", "0.5", name)
    host = engine.inspect(name)["HostConfig"]
    assert (host["Memory"], host["PidsLimit"], host["NanoCpus"]) == (64 << 20, 30, 500000000)
    if isolation == "vm":
        assert engine.out("exec", name, "cat", "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/pids.max").split() == [str(64 << 20), "30"]


@row("update", "more memory than at the start, while it runs")
def test_update_beyond_the_machine(engine, background, isolation, refused):
    name = background("-m", "96m")
    done = engine.berth("update", "-m", "2g", "--memory-swap", "2g", name, check=False)
    if isolation == "vm":
        refused(done)
        assert engine.inspect(name)["HostConfig"]["Memory"] == 96 << 20
    else:
        assert done.returncode == 0


@row("update", "restart policy and labels")
def test_update_of_the_record(shared_engine, shared):
    shared_engine.berth("update", "--restart", "on-failure:3", "-l", "a=b", shared)
    seen = shared_engine.inspect(shared)
    assert seen["HostConfig"]["RestartPolicy"]["MaximumRetryCount"] == 3 and seen["Config"]["Labels"]["a"] == "b"


@row("events", "of an instance's life")
def test_events(engine, background):
    since = str(time.time() - 1)
    name = background()
    engine.berth("rm", "-f", name)
    seen = engine.out("events", "--since", since, "--until", str(time.time() + 1), "--format", "{{.Action}} {{.Actor.Attributes.name}}")
    assert [line.split()[0] for line in seen.splitlines() if name in line][:2] == ["create", "start"]


# ---- Files ------------------------------------------------------------------------------------------------------

@pytest.fixture(params=["running", "stopped"])
def either(request, shared, stopped):
    return shared if request.param == "running" else stopped


@row("cp", "out, of a running instance and of a stopped one")
def test_copy_out(shared_engine, either):
    data = shared_engine.berth("cp", f"{either}:/made/file", "-", text=False).stdout
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        assert tar.extractfile("file").read() == b"text\n"
    assert "Could not find" in shared_engine.berth("cp", f"{either}:/none", "-", check=False).stderr


@row("cp", "in, to a running instance and to a stopped one")
def test_copy_in(shared_engine, either, tmp_path):
    (tmp_path / "new").write_text("of the host")
    shared_engine.berth("cp", tmp_path / "new", f"{either}:/srv")
    data = shared_engine.berth("cp", f"{either}:/srv/new", "-", text=False).stdout
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        assert tar.extractfile("new").read() == b"of the host"


@row("export", "of a running instance and of a stopped one")
def test_export(shared_engine, either):
    names = names_in(shared_engine.berth("export", either, text=False).stdout)
    assert {"made/file", "bin/busybox", "etc/passwd"} <= names and not [n for n in names if n.startswith("proc/")]


@row("diff", "of a running instance and of a stopped one")
def test_diff(shared_engine, either):
    assert {"A /made", "A /made/file"} <= set(shared_engine.out("diff", either).splitlines())


@row("commit", "of a running instance and of a stopped one; both isolations run the result")
def test_commit(shared_engine, either, isolation):
    image = f"{either}:made"
    shared_engine.berth("commit", either, image)
    seen = [shared_engine.out("run", "--rm", *words, "--network", "none", image, "cat", "/made/file") for words in ([], ["--vm"])]
    assert seen == ["text", "text"]
    shared_engine.berth("rmi", image)


def test_commits_of_both_isolations_are_the_same_layer(engine, name):
    script = "mkdir -p /made/deep; echo x > /made/file; touch -d @1 /made/file /made/deep /made; rm /bin/vi; touch -d @1 /bin"
    layers = []
    for words in ([], ["--vm"]):
        engine.berth("run", *words, "--network", "none", "--name", name, IMAGE, "sh", "-c", script)
        engine.berth("commit", name, f"{name}:made")
        layers.append(json.loads(engine.out("image", "inspect", f"{name}:made"))[0]["RootFS"]["Layers"])
        engine.berth("rm", name)
        engine.berth("rmi", f"{name}:made")
    assert layers[0][0] == layers[1][0] and len(layers[0]) == len(layers[1]) == 2


@row("ps -s, system df", "the size of what was written")
def test_sizes(shared_engine, stopped):
    assert re.search(r"\d+(\.\d+)?k?M?B", shared_engine.out("ps", "-a", "-s", "--filter", f"name={stopped}", "--format", "{{.Size}}"))
    assert "Containers" in shared_engine.out("system", "df")


# ---- Flags of run -----------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def seen(shared_engine, load_image, isolation, flags):
    """What one instance sees that was run with many flags."""
    load_image("busybox")
    script = ("echo env=$A; echo cwd=$(pwd); echo id=$(id -u):$(id -g):$(id -G | tr ' ' ,); echo host=$(hostname); echo first=$(cat /proc/1/comm);"
              "touch /x 2>/dev/null && echo root=rw || echo root=ro; touch /scratch/x && echo tmpfs=rw; echo shm=$(df -k /dev/shm | tail -1 | awk '{print $2}');"
              "echo nofile=$(ulimit -n); echo sysctl=$(cat /proc/sys/net/ipv4/ip_forward); echo caps=$(awk '/CapBnd/ {print $2}' /proc/self/status);"
              "echo seccomp=$(awk '/^Seccomp:/ {print $2}' /proc/self/status); echo privs=$(awk '/NoNewPrivs/ {print $2}' /proc/self/status)")
    done = shared_engine.berth("run", "--rm", *flags, "--network", "none", "-e", "A=b", "-w", "/srv", "-u", "1000:1000", "--group-add", "2000",
                               "--hostname", "named", "--init", "--read-only", "--tmpfs", "/scratch:mode=1777", "--shm-size", "8m",
                               "--ulimit", "nofile=100:100", "--sysctl", "net.ipv4.ip_forward=1", "--cap-drop", "ALL",
                               "--entrypoint", "sh", IMAGE, "-c", script)
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


@pytest.mark.parametrize("key, value", [
    pytest.param("env", "b", marks=row("run -e, --env-file", "environment")),
    pytest.param("cwd", "/srv", marks=row("run -w", "working folder")),
    pytest.param("id", "1000:1000:1000,2000", marks=row("run -u, --group-add", "user and groups")),
    pytest.param("host", "named", marks=row("run --hostname", "name of the host")),
    pytest.param("root", "ro", marks=row("run --read-only", "root")),
    pytest.param("tmpfs", "rw", marks=row("run --tmpfs", "with options")),
    pytest.param("shm", "8192", marks=row("run --shm-size", "size of /dev/shm")),
    pytest.param("nofile", "100", marks=row("run --ulimit", "limits of processes")),
    pytest.param("sysctl", "1", marks=row("run --sysctl", "of the network")),
    pytest.param("caps", "0000000000000000", marks=row("run --cap-add, --cap-drop", "capabilities")),
    pytest.param("seccomp", "2", marks=row("run --security-opt", "seccomp profile")),
    pytest.param("privs", "1", marks=row("run --security-opt", "no new privileges")),
])
def test_flags_of_run(seen, key, value):
    assert seen[key] == value


@row("run --privileged", "every capability, no filter")
def test_privileged(run):
    assert run("--privileged", command="awk '/^Seccomp:/ {print $2}' /proc/self/status").stdout.strip() == "0"


@row("run -m", "a limit on memory")
def test_memory(engine, background):
    name = background("-m", "24m", "--memory-swap", "24m", script="tail /dev/zero")
    until(lambda: engine.inspect(name)["State"]["Status"] == "exited", 60)
    assert engine.inspect(name)["State"]["OOMKilled"]


@row("run --cpus", "a limit on processor time")
def test_cpus(engine, background):
    name = background("--cpus", "0.25", script="while :; do :; done")
    def quota():
        identifier = engine.inspect(name)["Id"]
        for path, place in ((f"/sys/fs/cgroup/berth/{identifier}/cpu.max", 0), (f"/sys/fs/cgroup/cpu/berth/{identifier}/cpu.cfs_quota_us", 0)):
            if os.path.exists(path):
                with open(path) as f:
                    return int(f.read().split()[place])
    assert quota() == 25000


@row("run --pids-limit", "a limit on processes")
def test_pids(run):
    done = run("--pids-limit", "10", command="for i in $(seq 30); do sleep 1 & done; wait", check=False)
    assert "fork" in done.stderr or done.returncode != 0


@row("run --storage-opt size=", "a limit on what is written")
def test_storage_size(run, isolation, refused):
    done = run("--storage-opt", "size=32m", command=["dd", "if=/dev/zero", "of=/big", "bs=1M", "count=64"], check=False)
    if isolation == "vm":
        assert done.returncode != 0 and "No space left" in done.stderr
    else:
        refused(done)


@row("run -v HOST:PATH, --mount type=bind", "a folder of the host")
def test_host_folders(run, tmp_path, isolation, refused):
    (tmp_path / "file").write_text("of the host")
    done = run("-v", f"{tmp_path}:/data:ro", command="cat /data/file; touch /data/new", check=False)
    if isolation == "vm":
        refused(done)
    else:
        assert done.stdout == "of the host" and done.returncode != 0 and "Read-only" in done.stderr


@row("run --device", "a device of the host")
def test_devices(run, isolation, refused):
    done = run("--device", "/dev/zero:/dev/nought", command="head -c 3 /dev/nought | wc -c", check=False)
    refused(done) if isolation == "vm" else None
    assert isolation == "vm" or done.stdout.strip() == "3"


@pytest.mark.parametrize("flag", [
    pytest.param("--network=host", marks=row("run --network host", "the host's network")),
    pytest.param("--pid=host", marks=row("run --pid host", "the host's processes")),
    pytest.param("--ipc=host", marks=row("run --ipc host", "the host's shared memory")),
    pytest.param("--uts=host", marks=row("run --uts host", "the host's name")),
])
def test_namespaces_of_others(engine, flags, flag, isolation, refused):
    done = engine.berth("run", "--rm", *flags, flag, "--userns=host", IMAGE, "true", check=False)
    if isolation == "vm":
        refused(done)
    else:
        assert done.returncode == 0, done.stderr


# ---- Docker's own words -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("words", [["--isolation=vm"], ["--runtime=vm"]], ids=["isolation", "runtime"])
def test_dockers_command_line_chooses_the_isolation(engine, words):
    done = subprocess.run(["docker", "-H", engine.host, "run", "--rm", *words, "--network", "none", "-m", "64m", IMAGE, "uname", "-r"],
                          capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    assert done.returncode == 0 and done.stdout.strip() != os.uname().release


def test_every_verb_on_instances_has_a_row(shared_engine, request):
    """A verb that is new has to say here what it does with machines."""
    elsewhere = {"build", "complete", "completion", "container", "context", "dial-stdio", "doctor", "help", "history", "image", "images",
                 "import", "info", "load", "login", "logout", "man", "prune", "ps", "pull", "push", "rmi", "save", "search", "system", "tag",
                 "version", "volume", "network", "vm", "port", "diff"}
    help_text = shared_engine.out("help")
    verbs = set(re.findall(r"^  ([a-z-]+) ", help_text, re.M)) - elsewhere
    told = " ".join(marker.args[0] for item in request.session.items for marker in item.iter_markers("parity"))
    assert not {v for v in verbs if not re.search(rf"\b{v}\b", told)}
