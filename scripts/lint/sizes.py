#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""No file over 1,000 lines, no function over 100. There is no list of exceptions."""
import sys

FILE_MAX = 1000
FUNCTION_MAX = 100


def main():
    bad = []
    for path in sys.argv[1:]:
        lines = open(path, encoding="utf-8").read().split("\n")
        if len(lines) > FILE_MAX:
            bad.append(f"{path}: {len(lines)} lines, more than {FILE_MAX}")
        start = None
        for number, line in enumerate(lines, 1):
            if line.startswith("{"):
                start = number
            elif line.startswith("}") and start:
                if number - start - 1 > FUNCTION_MAX:
                    bad.append(f"{path}:{start}: a function of {number - start - 1} lines, more than {FUNCTION_MAX}")
                start = None
        if path.endswith((".c", ".h")) and "SPDX-License-Identifier: Apache-2.0" not in lines[0]:
            bad.append(f"{path}: the first line names no licence")
    print("\n".join(bad))
    return 1 if bad else 0


sys.exit(main())
