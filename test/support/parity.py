# SPDX-License-Identifier: Apache-2.0
"""
The table of docs/parity.md, made of what the end-to-end tests saw.

A test with the fixture `isolation` and the mark parity(verb, what) speaks for one row: passed, it says "yes" for its isolation, or
the reason that a refusal gave (the property "refusal"). When every such test has run and passed, the table is compared with the
page in docs/; --parity-write writes it instead.
"""
import pathlib

import pytest

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "parity.md"
ISOLATIONS = ("container", "vm")
HEAD = """# Containers and virtual machines side by side

The same command does the same with `--vm`. This page is written by the end-to-end tests (`./dev e2e -k test_parity --parity-write`), which run each
row once per isolation; they fail where the page says something else than what they saw. "yes" is what works; everything else is the
reason that the refusal gives.

| verb or flag | | container | vm |
|---|---|---|---|
"""


class Parity:
    """One session's answers: {(verb, what): {isolation: text}}."""

    def __init__(self, config):
        self.config = config
        self.rows, self.complete = {}, True

    @staticmethod
    def place(item):
        marker = item.get_closest_marker("parity")
        isolation = getattr(item, "callspec", None) and item.callspec.params.get("isolation")
        return (marker.args, isolation) if marker and isolation else None

    def pytest_deselected(self, items):
        self.complete = self.complete and not any(self.place(item) for item in items)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = (yield).get_result()
        place = self.place(item)
        if not place or report.when == "teardown":
            return
        if report.failed or report.skipped:
            self.complete = False
        elif report.when == "call":
            row, isolation = place
            refusal = dict(report.user_properties).get("refusal")
            self.rows.setdefault(row, {})[isolation] = f"no: {refusal}" if refusal else "yes"

    def page(self):
        lines = [f"| `{verb}` | {what} | " + " | ".join(cells.get(i, "") for i in ISOLATIONS) + " |\n"
                 for (verb, what), cells in sorted(self.rows.items())]
        return HEAD + "".join(lines)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session, exitstatus):
        if not self.rows or not self.complete or exitstatus != 0 or not all(len(c) == len(ISOLATIONS) for c in self.rows.values()):
            return
        if self.config.getoption("--parity-write"):
            PAGE.write_text(self.page())
        elif not PAGE.exists() or PAGE.read_text() != self.page():
            session.exitstatus = 1
            print(f"\n{PAGE} does not say what the tests saw: ./dev e2e -k test_parity --parity-write")
