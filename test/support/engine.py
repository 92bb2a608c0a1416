# SPDX-License-Identifier: Apache-2.0
"""An engine of the tests' own: private state, private run folder, private socket."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("BERTH_BIN", ROOT / "build" / "bin"))


class Engine:
    """Starts berthd below FOLDER; `berth(...)` runs the command line against it. PROGRAMS: where they lie."""

    def __init__(self, folder=None, options=(), programs=BIN):
        self.programs = pathlib.Path(programs)
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="berth-e2e-"))
        self.state, self.run_dir = self.folder / "state", self.folder / "run"
        self.socket = self.folder / "berth.sock"
        self.options = list(options)
        self.process = None

    @property
    def host(self):
        return f"unix://{self.socket}"

    def start(self, **popen):
        command = [str(self.programs / "berthd"), "--state", str(self.state), "--run", str(self.run_dir),
                   "--socket", str(self.socket)] + self.options
        self.folder.mkdir(parents=True, exist_ok=True)
        log = open(self.folder / "berthd.log", "ab")
        self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, **popen)
        deadline = time.monotonic() + 30
        while self.berth("version", check=False).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("berthd does not answer:\n" + (self.folder / "berthd.log").read_text())
            time.sleep(0.02)
        return self

    def kill(self):
        """As a crash does: no chance to say goodbye."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(20)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)

    def restart(self):
        if self.process.poll() is None:
            self.stop()
        return self.start()

    def command(self, *words):
        return [str(self.programs / "berth"), "-H", self.host, *map(str, words)]

    def berth(self, *words, check=True, text=True, timeout=120, **options):
        """Runs `berth WORDS...`; with CHECK a failure is an error that shows what was printed."""
        options.setdefault("stdin", subprocess.DEVNULL) if "input" not in options else None
        done = subprocess.run(self.command(*words), capture_output=True, text=text, timeout=timeout, **options)
        if check and done.returncode != 0:
            raise AssertionError(f"berth {' '.join(map(str, words))}: exit {done.returncode}\n"
                                 f"{done.stdout}\n{done.stderr}\n{self.log_tail()}")
        return done

    def out(self, *words, **options):
        return self.berth(*words, **options).stdout.strip()

    def inspect(self, name):
        return json.loads(self.out("inspect", name))[0]

    def log_tail(self):
        log = self.folder / "berthd.log"
        return "".join(log.read_text(errors="replace").splitlines(True)[-20:]) if log.exists() else ""

    def remove_all(self):
        ids = self.out("ps", "-aq").split()
        if ids:
            self.berth("rm", "-f", *ids)

    def close(self):
        """Ends what runs and removes the folder; nothing of this engine is left."""
        if self.process and self.process.poll() is None:
            self.remove_all()
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
