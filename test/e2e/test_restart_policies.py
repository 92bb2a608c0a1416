# SPDX-License-Identifier: Apache-2.0
"""Restart policies and states over a restart of the engine, and of the host."""
import datetime
import os
import pathlib
import shutil
import signal
import time

import ledger

IMAGE = "busybox:latest"


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return answer


def state_of(engine, name):
    return engine.inspect(name)["State"]


def instant(text):
    """RFC 3339 with nanoseconds, as a number of seconds."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    moment = datetime.datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=datetime.timezone.utc)
    return moment.timestamp() + float(f"0.{fraction or 0}")


def run(engine, name, *words, script="sleep 10000"):
    engine.berth("run", "-d", "--name", name, *words, IMAGE, "sh", "-c", script)


def kill_keepers(engine):
    for name in engine.out("ps", "--format", "{{.Names}}").split():
        os.kill(ledger.keeper_of(state_of(engine, name)["Pid"]), signal.SIGKILL)


def restart_host(engine):
    """What a restart of the host leaves: no process, an empty run folder, another boot."""
    pids = [state_of(engine, name)["Pid"] for name in engine.out("ps", "--format", "{{.Names}}").split()]
    engine.process.send_signal(signal.SIGSTOP)
    for pid in pids:
        os.kill(ledger.keeper_of(pid), signal.SIGKILL)
    engine.kill()
    for pid in pids:
        wait_for(lambda: not os.path.exists(f"/proc/{pid}"))
    shutil.rmtree(engine.run_dir)
    (engine.state / "boot-id").write_text("00000000-0000-0000-0000-000000000000\n")
    engine.start()


def test_after_a_restart_of_the_host_policies_decide_what_runs(own_engine):
    engine = own_engine()
    for policy in ("no", "on-failure", "always", "unless-stopped"):
        run(engine, policy, "--restart", policy)
        run(engine, f"{policy}-stopped", "--restart", policy, script="trap 'exit 3' TERM; echo up; while :; do sleep 0.05; done")
        wait_for(lambda: engine.out("logs", f"{policy}-stopped") == "up")
    engine.berth("stop", *[f"{policy}-stopped" for policy in ("no", "on-failure", "always", "unless-stopped")])
    run(engine, "once", "--rm")
    engine.berth("create", "--name", "fresh", "--restart", "always", IMAGE, "sleep", "1000")
    identifiers = {name: engine.inspect(name)["Id"] for name in engine.out("ps", "-a", "--format", "{{.Names}}").split()}
    restart_host(engine)
    for name in ("on-failure", "always", "unless-stopped", "always-stopped"):
        wait_for(lambda: state_of(engine, name)["Status"] == "running")
        assert engine.out("exec", name, "echo", "here") == "here"
    for name in ("no", "no-stopped", "on-failure-stopped", "unless-stopped-stopped"):
        assert state_of(engine, name)["Status"] == "exited"
    ended = state_of(engine, "no")
    assert ended["ExitCode"] == 255 and "host was restarted" in ended["Error"] and ended["Pid"] == 0
    assert state_of(engine, "unless-stopped-stopped")["ExitCode"] == 3
    assert state_of(engine, "fresh")["Status"] == "created"
    assert "once" not in engine.out("ps", "-a", "--format", "{{.Names}}").split()
    engine.remove_all()
    assert ledger.cgroups_of(identifiers.values()) == []


def test_the_users_stop_is_remembered_by_the_next_engines(own_engine):
    engine = own_engine()
    for name, end in (("stopped", ["stop", "-t", "0"]), ("killed", ["kill"])):
        run(engine, name, "--restart", "unless-stopped")
        engine.berth(*end, name)
    # told to end, and it ends when no engine looks
    run(engine, "asked", "--restart", "unless-stopped", script="trap 'sleep 0.5; exit 4' TERM; echo up; while :; do sleep 0.05; done")
    wait_for(lambda: engine.out("logs", "asked") == "up")
    keeper = ledger.keeper_of(state_of(engine, "asked")["Pid"])
    engine.berth("kill", "-s", "TERM", "asked")
    engine.kill()
    wait_for(lambda: not os.path.exists(f"/proc/{keeper}"))
    for _ in range(2):
        engine.start()
        for name in ("stopped", "killed", "asked"):
            assert state_of(engine, name)["Status"] == "exited"
        engine.kill()
    engine.start()
    engine.berth("start", "stopped")
    kill_keepers(engine)
    wait_for(lambda: engine.inspect("stopped")["RestartCount"] == 1 and state_of(engine, "stopped")["Running"])


def test_a_pause_between_restarts_is_not_shortened_by_a_restart_of_the_engine(own_engine):
    engine = own_engine()
    run(engine, "fails", "--restart", "always", script="exit 9")
    before = wait_for(lambda: (now := engine.inspect("fails"))["RestartCount"] >= 5
                      and now["State"]["Status"] == "restarting" and now)
    pause = 0.1 * 2 ** (before["RestartCount"] - 1)
    ended = instant(before["State"]["FinishedAt"])
    engine.kill()
    engine.start()
    assert state_of(engine, "fails")["Status"] == "restarting"
    after = wait_for(lambda: (now := engine.inspect("fails"))["RestartCount"] > before["RestartCount"] and now)
    assert instant(after["State"]["StartedAt"]) - ended >= 0.99 * pause
    # the next pause is longer again, and can be ended
    assert after["RestartCount"] == before["RestartCount"] + 1
    engine.berth("stop", "fails")
    assert state_of(engine, "fails")["Status"] == "exited"
    engine.kill()
    engine.start()
    assert engine.inspect("fails")["RestartCount"] >= after["RestartCount"]


def test_a_policy_with_a_limit_counts_on_over_restarts_of_the_engine(own_engine):
    engine = own_engine()
    run(engine, "limited", "--restart", "on-failure:4", script="exit 2")
    while state_of(engine, "limited")["Status"] != "exited":
        engine.kill()
        engine.start()
        time.sleep(0.05)
    ended = engine.inspect("limited")
    assert ended["RestartCount"] == 4
    # an engine killed halfway through the last start takes that one's keeper with it, which is told as such
    assert ended["State"]["ExitCode"] == 2 or "keeper" in ended["State"]["Error"], ended["State"]
    engine.kill()
    engine.start()
    assert state_of(engine, "limited")["Status"] == "exited"


def test_what_was_paused_is_paused_for_the_next_engine(own_engine):
    engine = own_engine()
    run(engine, "web")
    engine.berth("pause", "web")
    engine.kill()
    engine.start()
    assert state_of(engine, "web")["Paused"] and state_of(engine, "web")["Status"] == "paused"
    engine.berth("unpause", "web")
    assert engine.out("exec", "web", "echo", "here") == "here"
    engine.berth("pause", "web")
    engine.berth("rm", "-f", "web")


def test_a_program_that_dropped_its_users_does_not_outlive_its_keeper(own_engine):
    engine = own_engine()
    # a change of the user ends the promise of a signal at the parent's death: then the engine must end it
    script = "echo 'guest:x:7:7::/:/bin/sh' >> /etc/passwd; exec su guest -c 'exec sleep 10000'"
    for name, options in (("now", []), ("later", []), ("shared", ["--pid", "host", "--userns", "host"])):
        run(engine, name, *options, script=script)
        wait_for(lambda: "sleep" in engine.out("top", name))
    pids = {name: state_of(engine, name)["Pid"] for name in ("now", "later", "shared")}
    identifiers = {name: engine.inspect(name)["Id"] for name in pids}
    keepers = {name: ledger.keeper_of(pid) for name, pid in pids.items()}
    os.kill(keepers["now"], signal.SIGKILL)
    wait_for(lambda: state_of(engine, "now")["Status"] == "exited")
    engine.kill()
    for name in ("later", "shared"):
        os.kill(keepers[name], signal.SIGKILL)
    engine.start()
    for name, pid in pids.items():
        state = state_of(engine, name)
        assert (state["Status"], state["ExitCode"]) == ("exited", 137) and "keeper" in state["Error"]
        wait_for(lambda: not pathlib.Path(f"/proc/{pid}").exists())
    assert ledger.cgroups_of(identifiers.values()) == []
