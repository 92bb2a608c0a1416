# SPDX-License-Identifier: Apache-2.0
"""What an engine holds of the machine: a ledger taken before and after must be equal."""
import collections
import os
import pathlib
import re
import time

CGROUPS = pathlib.Path("/sys/fs/cgroup")
CACHES = ("berth.db-wal", "berth.db-shm", "berth.db", "lock", "berthd.pid")


def private_kib(pid):
    """The memory that only this process has."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Private_"))


def resident_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def keeper_of(pid):
    """The keeper is the parent of an instance's first process."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("PPid:"):
            return int(line.split()[1])


def processes():
    return {int(entry) for entry in os.listdir("/proc") if entry.isdigit()}


def is_keeper_of(engine, pid):
    """Whether a descriptor of the process, which may outlive its engine, lies below the engine's run folder."""
    try:
        links = [os.readlink(f"/proc/{pid}/fd/{entry}") for entry in os.listdir(f"/proc/{pid}/fd")]
    except OSError:
        return False
    return any(link.startswith(f"{engine.run_dir}/") for link in links)


def processes_of(engine):
    """The processes below the engine's own, its keepers with and without a parent, and what runs in its instances."""
    found = {}
    for pid in processes():
        try:
            stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        found[pid] = (int(stat.rpartition(")")[2].split()[1]), words)
    ours = {pid for pid, (parent, words) in found.items()
            if parent == engine.process.pid or (words.startswith(b"berth-keeper\0") and is_keeper_of(engine, pid))}
    while more := {pid for pid, (parent, _) in found.items() if parent in ours} - ours:
        ours |= more
    return {pid: found[pid][1].replace(b"\0", b" ").decode(errors="replace") for pid in ours}


def identifiers(engine):
    """The instances of which a folder is there, whole or half-made, just now."""
    found = set()
    for folder in (engine.state / "instances", engine.run_dir / "instances"):
        found |= set(os.listdir(folder)) if folder.is_dir() else set()
    return found


def cgroups_of(identifiers):
    """The groups of these instances, in any hierarchy."""
    wanted = set(identifiers)
    return [f"{where}/{name}" for where, names, _ in os.walk(CGROUPS) if f"{where}/".find("/berth/") >= 0
            or where.count("/") <= 5 for name in names if name in wanted]


def namespaces(pids):
    found = set()
    for pid in pids:
        try:
            found |= {os.readlink(f"/proc/{pid}/ns/{kind}") for kind in os.listdir(f"/proc/{pid}/ns")}
        except OSError:
            continue
    return found


def files_below(folder):
    """What is swept meanwhile is not there any more, os.walk does not mind; the spare ones' names do not matter."""
    return sorted(re.sub("(^spare/|^templates/spare-)[0-9a-f]+", r"\1*", os.path.relpath(f"{where}/{name}", folder))
                  for where, folders, names in os.walk(folder) for name in folders + names if name not in CACHES)


def descriptors(pid):
    """What each descriptor is, without the numbers that differ from one to the next."""
    kinds = []
    for entry in os.listdir(f"/proc/{pid}/fd"):
        try:
            kinds.append(os.readlink(f"/proc/{pid}/fd/{entry}").split(":[")[0])
        except OSError:
            continue
    return sorted(kinds)


def mount_points(pid):
    with open(f"/proc/{pid}/mountinfo") as lines:
        return [line.split()[4] for line in lines]


def take(engine):
    pid = engine.process.pid
    own = processes_of(engine)
    folder = str(engine.folder)
    return {
        "processes": sorted(own.values()),
        "descriptors": descriptors(pid),
        # what others mount on the host comes and goes in the engine's namespace as well
        "mounts": sorted(point for point in mount_points(pid) if point.startswith(folder)),
        "host mounts": sorted(line for line in open("/proc/self/mountinfo") if folder in line),
        "namespaces": [len(namespaces([pid, *own]))],
        "state": files_below(engine.state),
        "run": files_below(engine.run_dir),
    }


def settled(engine, seconds=15):
    """A ledger at rest: what was removed is swept, and nothing changed for a while."""
    deadline = time.monotonic() + seconds
    last = None
    while (now := take(engine)) != last or any(path.startswith("removed/") for path in now["state"]):
        assert time.monotonic() < deadline, "the engine does not come to rest"
        last = now
        time.sleep(0.2)
    return now


def difference(before, after, ignore=()):
    """What came (+) and what went (-), by the ledger's columns; not what begins with a word of IGNORE (a "/" is only itself)."""
    changes = {}
    for key in before:
        was, now = (collections.Counter(entry for entry in book[key] if not is_ignored(entry, ignore))
                    for book in (before, after))
        if was != now:
            changes[key] = {"+": sorted((now - was).elements()), "-": sorted((was - now).elements())}
    return changes


def is_ignored(entry, ignore):
    return any(entry == word or word != "/" and str(entry).startswith(word) for word in ignore)


def assert_settles(engine, before, seconds=15, ignore=()):
    """What is swept in the background may take a moment; then the ledger must be as before."""
    deadline = time.monotonic() + seconds
    while left := difference(before, take(engine), ignore):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)
