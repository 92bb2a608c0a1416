#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""clang-tidy over the programs' sources. A file found clean is not read again until it, a header that it
includes, its compiler flags or the configuration changes: build/tidy/ holds an empty file for each such state."""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

BUILD = pathlib.Path("build")
CLEAN = BUILD / "tidy"
FINDING = re.compile(r"(error|warning):")


def digest(path, known={}):
    if path not in known:
        known[path] = hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
    return known[path]


def dependencies():
    """What each object was made from, as the compiler told ninja: object -> files, relative to BUILD."""
    made_from = {}
    text = subprocess.run(["ninja", "-C", BUILD, "-t", "deps"], check=True, capture_output=True, text=True).stdout
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if not line.startswith("ninja:")]
        if lines:
            made_from[lines[0].split(":")[0]] = [line.strip() for line in lines[1:]]
    return made_from


def states(sources):
    """The file below CLEAN that stands for each source as it is now."""
    tool = subprocess.run(["clang-tidy", "--version"], check=True, capture_output=True, text=True).stdout
    made_from = dependencies()
    found = {}
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        source = os.path.relpath(os.path.join(entry["directory"], entry["file"]))
        if source not in sources or source in found or entry["output"] not in made_from:
            continue
        parts = [tool, digest(".clang-tidy"), entry["command"]]
        parts += [digest(BUILD / name) for name in made_from[entry["output"]]]
        found[source] = CLEAN / hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return found


def findings(source):
    run = subprocess.run(["clang-tidy", "-p", BUILD, "--quiet", "--warnings-as-errors=*", source],
                         capture_output=True, text=True, check=False)
    lines = [line for line in run.stdout.splitlines() if FINDING.search(line)]
    if run.returncode != 0 and not lines:
        lines = [f"{source}: clang-tidy ended with {run.returncode}: {run.stderr.strip()[-300:]}"]
    return lines


def main():
    sources = sys.argv[1:]
    CLEAN.mkdir(exist_ok=True)
    marks = states(set(sources))
    kept = {mark.name for mark in marks.values()}
    for old in CLEAN.iterdir():
        if old.name not in kept:
            old.unlink()
    todo = [source for source in sources if source not in marks or not marks[source].exists()]
    bad = set()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for source, lines in zip(todo, pool.map(findings, todo)):
            bad.update(lines)
            if not lines and source in marks:
                marks[source].touch()
    print("\n".join(sorted(bad)))
    return 1 if bad else 0


sys.exit(main())
