#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""settle.py SOCKET IMAGES SPARES: wait until an engine has made so many templates of images and spare machines."""
import http.client
import json
import socket
import sys
import time


def ask(path, target):
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(path)
    connection.request("GET", target)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def main():
    path, images, spares = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    deadline = time.monotonic() + 60
    while True:
        vm = ask(path, "/berth/info")["vm"]
        if (vm["images"], vm["spares"]) == (images, spares):
            return
        if time.monotonic() > deadline:
            sys.exit(f"the engine did not settle: {vm}")
        time.sleep(0.02)


if __name__ == "__main__":
    main()
