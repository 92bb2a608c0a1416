# SPDX-License-Identifier: Apache-2.0
"""B3: where one step of the confinement can not be had, the program does not run; it never runs with less of it."""
import subprocess

import pytest

IMAGE = "busybox:latest"
# What the program sees of its own confinement; mounts in an order of their own.
VIEW = ("grep -E '^(Cap|NoNew|Seccomp:|Uid|Gid|Groups)' /proc/self/status; tr -s ' ' < /proc/self/uid_map | cut -d' ' -f2,4;"
        "cut -d' ' -f5,6 /proc/self/mountinfo | sort; ls /proc/self/fd | wc -l; wc -l < /proc/self/cgroup; hostname; ls /dev | tr '\\n' ' '")
RUN = ["run", "--rm", "-u", "app", "--hostname", "inside", IMAGE, "sh", "-c", VIEW]
# calls of the confinement, and which of them in a row (of one process) fails
POINTS = {
    "seccomp": (1,), "prctl": (1, 2, 3, 9, 20, 40, 60, 80, 120), "capset": (1,), "setgroups": (1, 2), "setresuid": (1, 2),
    "setresgid": (1, 2), "mount_setattr": (1, 2, 4, 8, 16), "move_mount": (1, 3, 9, 18), "close_range": (1,), "umount2": (1, 2),
    "unshare": (1, 2), "open_tree": (1, 4, 10), "fsmount": (1, 2, 3), "pivot_root": (1,), "sethostname": (1,), "keyctl": (1,),
    "fchdir": (1, 2), "clone3": (1,), "mknodat": (1, 3),
}


def run_with_failure(engine, call, at):
    """Runs while call number AT of each of the engine's processes to come fails."""
    tracer = subprocess.Popen(["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:error=EPERM:when={at}",
                               "-p", str(engine.process.pid)], stderr=subprocess.PIPE, text=True)
    while "attached" not in tracer.stderr.readline():
        assert tracer.poll() is None
    try:
        return engine.berth(*RUN, check=False, timeout=30)
    finally:
        tracer.terminate()
        tracer.communicate()


@pytest.mark.parametrize("call", POINTS)
def test_B3_a_step_that_fails_means_no_start_or_no_difference(own_engine, call):
    engine = own_engine()
    whole = engine.out(*RUN)
    assert "CapBnd:\t00000000800405fb" in whole and "Seccomp:\t2" in whole
    refused = 0
    for at in POINTS[call]:
        done = run_with_failure(engine, call, at)
        if done.returncode == 0:
            assert done.stdout.strip() == whole, f"{call} number {at} failed, and the program ran with another view"
        else:
            assert done.returncode in (125, 126) and done.stdout == "" and done.stderr, f"{call} number {at}"
            refused += 1
    assert refused > 0, f"no failure of {call} was noticed"
    assert engine.out(*RUN) == whole
    assert engine.out("ps", "-aq") == ""
