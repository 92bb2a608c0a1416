#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every check runs, so that one call shows all there is to mend; the exit status tells whether any failed.
. scripts/common.sh

scripts/setup.sh build lint
scripts/build.sh >/dev/null
# Tests use cmocka's macros, which the checks of clang-tidy and cppcheck were not made for.
mapfile -t programs < <(git ls-files 'src/*.c' | grep -v -e '-test\.c$' -e '^src/base/test\.c$')
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

# A source that no meson.build names is dead, and a test that is never run proves nothing.
built_check() {
	! git ls-files 'src/*.c' | grep -v -x -F -f <(grep -o '"file": "[^"]*"' build/compile_commands.json |
		sed 's/.*"\.\.\///; s/"$//') | sed 's/$/: no meson.build names it/' | grep .
}

cppcheck_check() {
	cppcheck --quiet --error-exitcode=1 -j "$(nproc)" --inline-suppr --std=c11 -D_GNU_SOURCE -I src \
		--enable=warning,portability --suppressions-list=scripts/lint/cppcheck.txt \
		"${programs[@]}"
}

check "format" format_check
check "layers" "$PYTHON" scripts/lint/layers.py
check "sizes" "$PYTHON" scripts/lint/sizes.py "${all[@]}"
check "forbidden calls" "$PYTHON" scripts/lint/forbidden.py "${all[@]}"
check "built" built_check
check "cppcheck" cppcheck_check
check "clang-tidy" "$PYTHON" scripts/lint/tidy.py "${programs[@]}"
exit $failed
