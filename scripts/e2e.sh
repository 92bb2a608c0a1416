#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
. scripts/common.sh
need_root

scripts/build.sh >/dev/null
exec "$PYTHON" -m pytest -p no:cacheprovider --timeout 300 -q test/e2e "$@"
