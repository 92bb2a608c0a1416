# SPDX-License-Identifier: Apache-2.0
"""Events: what is told, in what order and shape, and to whom."""
import json
import os
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from rawhttp import Raw

IMAGE = "busybox:latest"
MANY = int(os.environ.get("BERTH_TEST_EVENTS", "2000"))


def told(engine, since, *words):
    """The events since an instant, as the API gives them."""
    text = engine.out("events", "--since", since, "--until", f"{time.time():.9f}", *words, "--format", "{{json .}}")
    return [json.loads(line) for line in text.splitlines()]


def actions(events):
    return [event["Action"] for event in events]


def of(engine, since, name, *words):
    return told(engine, since, "--filter", f"container={name}", *words)


def test_a_life_is_told_in_order_and_in_dockers_shape(engine, name):
    since = f"{time.time():.9f}"
    engine.berth("run", "-d", "--name", name, "--label", "team=x", IMAGE, "sleep", "1000")
    engine.berth("exec", name, "sh", "-c", "exit 3", check=False)
    engine.berth("pause", name)
    engine.berth("unpause", name)
    engine.berth("stop", "-t", "0", name)
    engine.berth("rm", name)
    events = of(engine, since, name)
    assert actions(events) == ["create", "start", "exec_create: sh -c exit 3", "exec_start: sh -c exit 3", "exec_die", "pause",
                               "unpause", "kill", "kill", "die", "stop", "destroy"]
    identifier = events[0]["Actor"]["ID"]
    for event in events:
        assert event["Type"] == "container" and event["scope"] == "local"
        assert event["status"] == event["Action"] and event["id"] == identifier and event["from"] == IMAGE
        assert event["time"] == event["timeNano"] // 10**9
        attributes = event["Actor"]["Attributes"]
        assert attributes["name"] == name and attributes["image"] == IMAGE and attributes["team"] == "x"
    assert [event["timeNano"] for event in events] == sorted(event["timeNano"] for event in events)
    attributes = {event["Action"]: event["Actor"]["Attributes"] for event in events}
    assert attributes["exec_die"]["exitCode"] == "3" and len(attributes["exec_die"]["execID"]) == 64
    assert attributes["die"]["exitCode"] == "137"
    assert [event["Actor"]["Attributes"]["signal"] for event in events if event["Action"] == "kill"] == ["15", "9"]


def test_files_that_come_and_go_are_told(engine, name, tmp_path):
    since = f"{time.time():.9f}"
    engine.berth("create", "--name", name, IMAGE)
    engine.berth("cp", f"{name}:/bin/busybox", tmp_path / "busybox")
    engine.berth("cp", tmp_path / "busybox", f"{name}:/tmp/")
    engine.berth("export", "-o", tmp_path / "root.tar", name)
    assert actions(of(engine, since, name)) == ["create", "archive-path", "extract-to-dir", "export"]


def test_images_are_told_by_their_ids(engine, name, tmp_path):
    since = f"{time.time():.9f}"
    identifier = engine.out("inspect", "--format", "{{.Id}}", IMAGE)
    engine.berth("tag", IMAGE, f"{name}:one")
    engine.berth("save", "-o", tmp_path / "image.tar", f"{name}:one")
    engine.berth("rmi", f"{name}:one")
    events = told(engine, since, "--filter", "type=image", "--filter", f"image={name}") + \
        told(engine, since, "--filter", "event=untag")
    assert [(event["Action"], event["Actor"]["ID"]) for event in events] == [
        ("tag", identifier), ("save", identifier), ("untag", identifier)]
    assert all("from" not in event for event in events)


def test_filters_choose_and_an_unknown_one_is_refused(engine, name):
    since = f"{time.time():.9f}"
    engine.berth("run", "--name", name, "--label", f"k={name}", IMAGE, "true")
    engine.berth("run", "--rm", IMAGE, "true")
    assert actions(of(engine, since, name, "--filter", "event=start")) == ["start"]
    assert actions(of(engine, since, name, "--filter", "event=start", "--filter", "event=die")) == ["start", "die"]
    assert actions(told(engine, since, "--filter", f"label=k={name}")) == ["create", "start", "die"]
    assert actions(told(engine, since, "--filter", "label=k=other")) == []
    assert told(engine, since, "--filter", "type=image") == []
    assert {event["from"] for event in told(engine, since, "--filter", f"image={IMAGE}")} == {IMAGE}
    refused = engine.berth("events", "--filter", "colour=red", check=False)
    assert refused.returncode == 1 and "colour" in refused.stderr


def test_since_and_until_cut_exactly(engine, name):
    engine.berth("create", "--name", name, IMAGE)
    everything = of(engine, "1h", name)
    engine.berth("rename", name, f"{name}-b")
    middle = everything[0]["timeNano"]
    instant = f"{middle // 10**9}.{middle % 10**9:09d}"
    assert actions(told(engine, instant, "--filter", f"container={everything[0]['id']}")) == ["create", "rename"]
    later = f"{(middle + 1) // 10**9}.{(middle + 1) % 10**9:09d}"
    assert actions(told(engine, later, "--filter", f"container={everything[0]['id']}")) == ["rename"]
    engine.berth("rm", f"{name}-b")


def test_an_out_of_memory_kill_is_told_before_the_end(engine, name):
    since = f"{time.time():.9f}"
    done = engine.berth("run", "--name", name, "-m", "16m", IMAGE, "tail", "/dev/zero", check=False)
    state = engine.inspect(name)["State"]
    assert (done.returncode, state["OOMKilled"], state["ExitCode"]) == (137, True, 137)
    assert actions(of(engine, since, name)) == ["create", "start", "oom", "die"]
    twin = engine.berth("run", "--name", f"{name}-b", "-m", "64m", IMAGE, "true")
    assert twin.returncode == 0 and not engine.inspect(f"{name}-b")["State"]["OOMKilled"]


def test_many_events_reach_who_reads_and_who_does_not_read_costs_nothing(engine, name):
    engine.berth("run", "-d", "--name", name, IMAGE, "sleep", "1000")
    stuck = Raw(engine.socket).connect()
    stuck.sendall(b"GET /events HTTP/1.1\r\nHost: d\r\n\r\n")
    reader = subprocess.Popen(engine.command("events", "--filter", f"container={name}", "--filter", "event=kill", "--format", "{{.Actor.Attributes.signal}}"),
                              stdout=subprocess.PIPE, text=True)
    raw = Raw(engine.socket)
    seen, begun = [], threading.Event()

    def read():
        for line in reader.stdout:
            seen.append(line.strip())
            begun.set()
    with ThreadPoolExecutor(9) as pool:
        reading = pool.submit(read)
        deadline = time.monotonic() + 20
        while not begun.is_set():  # until the reader listens
            assert time.monotonic() < deadline
            raw.ask("POST", f"/containers/{name}/kill?signal=URG")
            begun.wait(0.05)
        done = set(pool.map(lambda _: raw.ask("POST", f"/containers/{name}/kill?signal=WINCH")[0], range(MANY)))
        assert done == {204}
        deadline = time.monotonic() + 20
        while seen.count("28") < MANY:
            assert time.monotonic() < deadline, f"{seen.count('28')} of {MANY} events came"
            time.sleep(0.05)
        reader.terminate()
        reading.result()
    reader.wait()
    reader.stdout.close()
    stuck.close()
