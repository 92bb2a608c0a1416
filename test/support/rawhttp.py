# SPDX-License-Identifier: Apache-2.0
"""HTTP by hand over a unix socket, for requests that no client library would send."""
import json
import socket


class Raw:
    def __init__(self, path, timeout=30):
        self.path, self.timeout = str(path), timeout

    def connect(self):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(self.timeout)
        s.connect(self.path)
        return s

    def send(self, data):
        """Sends bytes on a connection of its own, reads to the end; (status, body), status 0 if cut off."""
        with self.connect() as s:
            try:
                s.sendall(data)
            except OSError:  # refused before it was read: the answer may be there all the same
                pass
            answer = b""
            try:
                while piece := s.recv(65536):
                    answer += piece
            except ConnectionError:
                pass
        head, _, body = answer.partition(b"\r\n\r\n")
        return (int(head.split()[1]) if head else 0), body

    def ask(self, method, target, body=None, headers=()):
        """One request; (status, JSON or text)."""
        text = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [f"{method} {target} HTTP/1.1", "Host: d", "Connection: close", f"Content-Length: {len(text)}",
                 *headers]
        status, answer = self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + text)
        try:
            return status, json.loads(answer)
        except ValueError:
            return status, answer.decode(errors="replace")
