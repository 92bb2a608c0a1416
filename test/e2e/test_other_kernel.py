# SPDX-License-Identifier: Apache-2.0
"""Debian 13's kernel with pure version 2 control groups, in an emulated machine: what most users have."""
import pathlib

import pytest

import guest
from engine import BIN

KERNEL = pathlib.Path("/usr/lib/berth/guest-kernel")
SCRIPT = """
export BERTH_HOST=unix:///run/b.sock
cd /var/lib
{bin}/berthd --state /var/lib/berth --run /run/berth --socket /run/b.sock {options} > /tmp/engine 2>&1 &
while ! {bin}/berth version > /dev/null 2>&1; do usleep 50000; done
{bin}/berth load -q -i /image.tar || exit 10
echo "store: $({bin}/berth info --format '{{{{.Driver}}}} {{{{.CgroupVersion}}}}')"
{bin}/berth run --rm --network none busybox:latest sh -c 'id -u; cat /proc/self/uid_map; cat /proc/self/cgroup' || exit 11
{bin}/berth run --rm --network none -m 32m --pids-limit 40 --cpus 0.5 busybox:latest sh -c \
    'cd /sys/fs/cgroup; echo "limits: $(cat memory.max) $(cat pids.max) $(cat cpu.max)"' || exit 12
{bin}/berth run --name big --network none -m 16m busybox:latest tail /dev/zero; echo "memory bomb: $?"
{bin}/berth inspect --format '{{{{.State.OOMKilled}}}}' big
{bin}/berth run --rm --network none --device-cgroup-rule 'c 1:3 r' busybox:latest sh -c 'echo x > /dev/null && echo null-works'
{bin}/berth run -d --name web --network none busybox:latest sleep 1000 > /dev/null || exit 13
{bin}/berth exec web echo exec-works
{bin}/berth pause web && {bin}/berth unpause web && echo pause-works
{bin}/berth rm -f web big > /dev/null
echo "left: $(find /sys/fs/cgroup/berth -mindepth 1 -type d | wc -l)"
"""


@pytest.mark.parametrize("options, driver", [("", "erofs"), ("--store-mode folder", "folder")])
def test_containers_run_on_debian_13_with_version_2_control_groups(image_archive, options, driver):
    kernel = next(iter(sorted((KERNEL / "boot").glob("vmlinuz-*"))))
    modules = next(iter(sorted((KERNEL / "usr/lib/modules").glob("*"))))
    programs = [str(BIN / name) for name in ("berth", "berthd", "berth-keeper")]
    status, output = guest.run(
        kernel, (modules, ["erofs", "overlay", "loop"]), SCRIPT.format(bin=BIN, options=options), programs,
        files={"/image.tar": pathlib.Path(image_archive("busybox")).read_bytes(),
               "/etc/passwd": b"root:x:0:0::/root:/bin/sh\n"})
    assert status == 0, output
    # the state lies in memory there, which the kernel mounts by way of loop devices alone
    assert f"store: {driver}" in output and "2\n" in output, output
    assert "limits: 33554432 40 50000 100000" in output, output
    assert "memory bomb: 137\ntrue" in output, output
    for words in ("null-works", "exec-works", "pause-works", "left: 0", " 65536"):
        assert words in output, (words, output)
