#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The layers of ARCHITECTURE.md: a folder of src/ may include only itself and the folders above it."""
import pathlib
import re
import sys

LAYERS = ["base", "sys", "oci", "container", "vm", "store", "files", "net", "volume", "build", "instance", "api"]
PROGRAMS = ["cli", "engine", "keeper", "guest", "oci-runtime", "tls"]
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def allowed(folder):
    if folder in PROGRAMS:
        return set(LAYERS) | {folder}
    return set(LAYERS[: LAYERS.index(folder) + 1])


def main():
    bad = []
    for path in sorted(pathlib.Path("src").rglob("*.[ch]")):
        folder = path.parts[1]
        if folder not in LAYERS + PROGRAMS:
            bad.append(f"{path}: folder src/{folder} belongs to no layer")
            continue
        for name in INCLUDE.findall(path.read_text()):
            target = name.split("/")[0]
            if "/" not in name:
                bad.append(f'{path}: "{name}" must be included with its folder')
            elif target not in allowed(folder):
                bad.append(f'{path}: {folder} must not include "{name}"')
    print("\n".join(bad))
    return 1 if bad else 0


sys.exit(main())
