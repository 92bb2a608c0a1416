#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
. scripts/common.sh

git ls-files '*.c' '*.h' | xargs clang-format -i
