#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
. scripts/common.sh

[ -f build-cover/build.ninja ] || meson setup build-cover -Dbuildtype=debug -Db_coverage=true >/dev/null
ninja -C build-cover >/dev/null
meson test -C build-cover --no-rebuild --suite unit >/dev/null || fail "a unit test fails; see ./dev unit"
gcovr -r . --object-directory build-cover -e '.*-test\.c' -e 'src/base/test\.c'
