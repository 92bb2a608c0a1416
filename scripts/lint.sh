#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every check runs, so that one call shows all there is to mend; the exit status tells whether any failed.
. scripts/common.sh

scripts/setup.sh build lint
scripts/build.sh >/dev/null
mapfile -t sources < <(git ls-files 'src/*.c' 'bench/*.c' 'test/*.c')
mapfile -t all < <(git ls-files '*.c' '*.h')
failed=0

check() {
	local name=$1
	shift
	local output
	if output=$("$@" 2>&1); then
		echo "ok    $name"
	else
		printf 'FAIL  %s\n%s\n' "$name" "$output"
		failed=1
	fi
}

format_check() {
	clang-format --dry-run -Werror "${all[@]}"
}

# Tests use cmocka's macros, which the checks of clang-tidy were not made for.
tidy_check() {
	local findings
	command -v clang-tidy || return 1
	# clang-tidy's own status says nothing through xargs; what counts is what it finds, broken code included
	findings=$(printf '%s\n' "${sources[@]}" | grep '^src/' | grep -v -e '-test\.c$' -e '^src/base/test\.c$' |
		xargs -P "$(nproc)" -n 4 clang-tidy -p build --quiet --warnings-as-errors='*' 2>/dev/null |
		grep -E '(error|warning):' | sort -u || true)
	echo "$findings"
	[ -z "$findings" ]
}

cppcheck_check() {
	cppcheck --quiet --error-exitcode=1 -j "$(nproc)" --inline-suppr --std=c11 -D_GNU_SOURCE -I src \
		--enable=warning,portability --suppressions-list=scripts/lint/cppcheck.txt \
		$(printf '%s\n' "${sources[@]}" | grep '^src/' | grep -v -e '-test\.c$')
}

check "format" format_check
check "layers" "$PYTHON" scripts/lint/layers.py
check "sizes" "$PYTHON" scripts/lint/sizes.py "${all[@]}"
check "forbidden calls" "$PYTHON" scripts/lint/forbidden.py "${all[@]}"
check "cppcheck" cppcheck_check
check "clang-tidy" tidy_check
exit $failed
