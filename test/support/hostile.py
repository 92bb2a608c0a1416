#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A registry that serves one small image well, and lies where a test tells it to.

    with Hostile() as r:
        r.lies["blob"] = lambda request, blob: request.send(200, b"other bytes")

Each request goes first to the lie of its kind (ping, manifest, blob, token, upload), which answers and returns True,
or returns None to have the honest answer given. Everything that came in is in r.log.
"""
import gzip
import hashlib
import io
import json
import re
import socketserver
import tarfile
import threading
from http.server import BaseHTTPRequestHandler

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker.distribution.manifest."
MANIFEST, INDEX = OCI + "manifest.v1+json", OCI + "index.v1+json"
CONFIG, LAYER = OCI + "config.v1+json", OCI + "layer.v1.tar+gzip"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def layer_tar(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


class Image:
    """Blobs, configuration and manifest of an image with the given layers (uncompressed tars)."""

    def __init__(self, layers, media=MANIFEST, packed=gzip.compress, **config):
        self.blobs = {}
        blobs = [packed(tar) for tar in layers]
        self.config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["true"]},
                                  "rootfs": {"type": "layers", "diff_ids": [digest(t) for t in layers]},
                                  **config}).encode()
        self.document = {"schemaVersion": 2, "mediaType": media, "config": self.add(self.config, CONFIG),
                         "layers": [self.add(b, LAYER) for b in blobs]}
        self.layers = [digest(b) for b in blobs]

    def add(self, data, media):
        self.blobs[digest(data)] = data
        return {"mediaType": media, "digest": digest(data), "size": len(data)}

    @property
    def manifest(self):
        return json.dumps(self.document).encode()


class Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, *_):
        pass

    def send(self, status, body=b"", type=None, length=None, **headers):
        """One whole answer; `length` lies about the body's. Header names are written with underscores."""
        self.send_response(status)
        if type:
            self.send_header("Content-Type", type)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            try:
                self.wfile.write(body)
            except OSError:
                self.close_connection = True
        if length is not None and length != len(body):
            self.close_connection = True
        return True

    def pour(self, piece, status=200, type=None, pause=None):
        """A body that has no end, until the other side has enough or the server is closed."""
        self.send_response(status)
        if type:
            self.send_header("Content-Type", type)
        self.end_headers()
        self.close_connection = True
        try:
            while not self.server.closing.wait(pause or 0):
                self.wfile.write(piece)
                self.server.poured += len(piece)
        except OSError:
            pass
        return True

    def handle_one(self):
        server = self.server
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length) if length else b""
        server.log.append((self.command, self.path, dict(self.headers)))
        for kind, pattern, honest in (("token", r"/token.*", self.token), ("ping", r"/v2/", self.ping),
                                      ("manifest", r"/v2/(.+)/manifests/([^/?]+)", self.manifest),
                                      ("upload", r"/v2/(.+)/blobs/uploads/.*", self.upload),
                                      ("blob", r"/v2/(.+)/blobs/([^/?]+)", self.blob),
                                      ("tags", r"/v2/(.+)/tags/list.*", self.tags)):
            match = re.fullmatch(pattern, self.path)
            if match:
                lie = server.lies.get(kind)
                if not (lie and lie(self, *match.groups()[1:])):
                    honest(*match.groups()[1:])
                return
        lie = server.lies.get("other")
        if not (lie and lie(self)):
            self.send(404)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = handle_one

    def ping(self):
        self.send(200, b"{}")

    def token(self):
        self.send(200, b'{"token":"good"}', "application/json")

    def tags(self):
        self.send(200, json.dumps({"tags": sorted(self.server.tags)}).encode())

    def manifest(self, reference):
        data = self.server.tags.get(reference) or self.server.manifests.get(reference)
        if data is None:
            return self.send(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')
        return self.send(200, data, json.loads(data).get("mediaType", MANIFEST), Docker_Content_Digest=digest(data))

    def blob(self, name):
        data = self.server.blobs.get(name)
        if data is None:
            return self.send(404)
        start = self.headers.get("Range")
        if start:
            first = int(re.fullmatch(r"bytes=(\d+)-", start)[1])
            return self.send(206, data[first:], Content_Range=f"bytes {first}-{len(data) - 1}/{len(data)}")
        return self.send(200, data)

    def upload(self):
        self.send(405)


class Hostile(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, address="127.0.0.1"):
        super().__init__((address, 0), Request)
        self.host = f"{address}:{self.server_address[1]}"
        self.url = "http://" + self.host
        self.lies, self.log, self.blobs, self.tags, self.manifests = {}, [], {}, {}, {}
        self.poured = 0
        self.closing = threading.Event()

    def serve(self, image, tag="1"):
        """Serves an image honestly; gives its reference."""
        self.blobs.update(image.blobs)
        return self.serve_manifest(image.manifest, tag)

    def serve_manifest(self, data, tag=None):
        self.manifests[digest(data)] = data
        if tag:
            self.tags[tag] = data
        return f"{self.host}/a/b:{tag}" if tag else f"{self.host}/a/b@{digest(data)}"

    def seen(self, method=None, path=""):
        return [entry for entry in self.log if (not method or entry[0] == method) and path in entry[1]]

    def handle_error(self, request, client_address):
        pass

    def __enter__(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.shutdown()
        self.server_close()
