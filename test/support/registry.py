#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Debian's docker-registry on a loopback port, with a folder of its own."""
import base64
import ctypes
import pathlib
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def bcrypt(password):
    """As htpasswd -B; libcrypt is on every Debian, Python's own module for it is not."""
    crypt = ctypes.CDLL("libcrypt.so.1").crypt
    crypt.restype = ctypes.c_char_p
    return crypt(password.encode(), b"$2y$05$" + b"abcdefghijklmnopqrstuu").decode()


class Registry:
    """`with Registry(folder) as r:` serves at r.host; USER and PASSWORD ask for basic authentication."""

    def __init__(self, folder, user=None, password=None):
        self.folder = pathlib.Path(folder)
        self.port = free_port()
        self.host = f"localhost:{self.port}"
        self.user, self.password = user, password
        self.process = None

    def config(self):
        text = f"""
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {self.folder}/data}}
  delete: {{enabled: true}}
http: {{addr: "127.0.0.1:{self.port}"}}
"""
        if self.user:
            text += f"auth: {{htpasswd: {{realm: test, path: {self.folder}/htpasswd}}}}\n"
        return text

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.user:
            (self.folder / "htpasswd").write_text(f"{self.user}:{bcrypt(self.password)}\n")
        (self.folder / "config.yml").write_text(self.config())
        self.process = subprocess.Popen(["/usr/bin/docker-registry", "serve", str(self.folder / "config.yml")],
                                        stdout=subprocess.DEVNULL, stderr=open(self.folder / "log", "wb"))
        self.wait()
        return self

    def wait(self):
        request = urllib.request.Request(f"http://{self.host}/v2/")
        if self.user:
            secret = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            request.add_header("Authorization", "Basic " + secret)
        deadline = time.monotonic() + 20
        while True:
            try:
                urllib.request.urlopen(request, timeout=5).read()
                return
            except (urllib.error.URLError, ConnectionError):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.05)

    def push(self, archive, name):
        """Pushes an OCI archive by skopeo; gives the reference to pull it by."""
        command = ["skopeo", "copy", "--quiet", "--dest-tls-verify=false"]
        if self.user:
            command.append(f"--dest-creds={self.user}:{self.password}")
        subprocess.run(command + [f"oci-archive:{archive}", f"docker://{self.host}/{name}"], check=True)
        return f"{self.host}/{name}"

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)
