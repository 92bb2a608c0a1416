# SPDX-License-Identifier: Apache-2.0
"""Interleaved timing, and its report as a table and as JSON."""
import json
import pathlib
import platform
import statistics
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]


def interleave(commands, runs):
    """COMMANDS: (name, words) pairs; a name that starts with '-' runs untimed. Gives name -> milliseconds."""
    with tempfile.NamedTemporaryFile("w", suffix=".commands") as file:
        for name, words in commands:
            file.write("\t".join([name, *map(str, words)]) + "\n")
        file.flush()
        done = subprocess.run([str(ROOT / "build" / "bench" / "bench-interleave"), str(runs), file.name],
                              capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    times = {name: [] for name, _ in commands if not name.startswith("-")}
    for line in done.stdout.splitlines():
        name, nanoseconds = line.rsplit("\t", 1)
        times[name].append(int(nanoseconds) / 1e6)
    return times


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def summary(name, values, **more):
    return {"name": name, "runs": len(values), "median_ms": round(statistics.median(values), 3),
            "p99_ms": round(percentile(values, 0.99), 3), **more}


def report(title, rows, reference, notes=()):
    """Prints the rows, each with its ratio to REFERENCE's median, and writes build/bench/TITLE.json."""
    base = next(row["median_ms"] for row in rows if row["name"] == reference)
    width = max(len(row["name"]) for row in rows)
    print(f"\n{title}: {platform.release()}, {platform.machine()}")
    print(f"{'':{width}}  {'runs':>5} {'median ms':>10} {'p99 ms':>9}  ratio to {reference}")
    for row in rows:
        row["ratio"] = round(row["median_ms"] / base, 3)
        print(f"{row['name']:{width}}  {row['runs']:5} {row['median_ms']:10.2f} {row['p99_ms']:9.2f}  {row['ratio']:.2f}")
    for note in notes:
        print(note)
    folder = ROOT / "build" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{title}.json").write_text(json.dumps(rows, indent=1) + "\n")
