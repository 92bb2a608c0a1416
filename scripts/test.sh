#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every test there is; the last line is "N passed, N failed", with ", N skipped" where a kernel lacks a feature.
. scripts/common.sh
need_root

scripts/setup.sh build run test
scripts/build.sh >/dev/null

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
failed=0

say "unit tests"
meson test -C build --no-rebuild --print-errorlogs --suite unit | tee "$results/unit" || failed=1
say "end-to-end tests"
"$PYTHON" -m pytest -p no:cacheprovider --timeout 300 -q -rs test/e2e "$@" | tee "$results/e2e" || failed=1

# How many tests of a kind both runners counted.
count() {
	local unit e2e
	unit=$(sed -n "s/^$1: *\([0-9]*\).*/\1/p" "$results/unit" | tail -n 1)
	e2e=$(tail -n 1 "$results/e2e" | grep -oE "[0-9]+ $2" | grep -oE '[0-9]+' | awk '{n += $1} END {print n + 0}')
	echo $((${unit:-0} + ${e2e:-0}))
}

passed=$(count Ok passed)
broken=$(($(count Fail '(failed|errors?)') + $(sed -n 's/^Timeout: *\([0-9]*\).*/\1/p' "$results/unit" | tail -n 1)))
skipped=$(count Skipped skipped)
[ "$broken" -gt 0 ] || [ "$failed" = 0 ] || broken=1
line="$passed passed, $broken failed"
[ "$skipped" = 0 ] || line="$line, $skipped skipped"
echo "$line"
exit $failed
