#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# From a fresh Debian machine to a real image that runs: packages, build, image, registry, pull, run.
. scripts/common.sh
need_root

say "installing what is needed"
scripts/setup.sh build run
say "building"
scripts/build.sh >/dev/null

exec "$PYTHON" scripts/quickstart.py
