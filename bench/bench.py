#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""./dev bench [NAME ...] [--runs N]: see the functions below for what each NAME measures."""
import argparse
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "test" / "support"))

import image  # noqa: E402
import listing  # noqa: E402
import parallel  # noqa: E402
import start  # noqa: E402
import vm  # noqa: E402

BENCHES = {"start": start.bench, "image": image.bench, "list": listing.bench, "parallel": parallel.bench,
           "vm": vm.bench}


def main():
    parser = argparse.ArgumentParser(prog="./dev bench")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES) + " (default: all)")
    parser.add_argument("--runs", type=int, help="how often each command is timed")
    args = parser.parse_args()
    for name in args.names or BENCHES:
        if name not in BENCHES:
            sys.exit(f"bench: there is no '{name}'; there are {', '.join(BENCHES)}")
        BENCHES[name](args.runs)


main()
