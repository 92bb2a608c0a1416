#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# ./dev bench [start|image|list|parallel|vm ...] [--runs N]: a table on the screen, the figures in build/bench/NAME.json.
. scripts/common.sh
need_root

scripts/setup.sh build run test bench
scripts/build.sh >/dev/null
exec "$PYTHON" bench/bench.py "$@"
