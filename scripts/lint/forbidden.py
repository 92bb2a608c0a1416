#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Calls that the project does without, and path calls where trees are handled that an image wrote."""
import re
import sys

# word -> what to use instead
EVERYWHERE = {
    "strcpy": "memcpy with a known length or strbuf", "strcat": "strbuf", "sprintf": "snprintf or strbuf",
    "vsprintf": "vsnprintf", "gets": "getline", "strtok": "strv_split", "system": "process_run",
    "popen": "process_run", "alloca": "xmalloc", "tmpnam": "memfd_create", "mktemp": "memfd_create",
    "execvp": "an absolute path", "execlp": "an absolute path", "getpwnam": "container/user-lookup.h",
    "getpwuid": "container/user-lookup.h", "getgrnam": "container/passwd.h", "getgrgid": "container/passwd.h",
    "atoi": "strtol with checks", "sleep": "a descriptor to wait for", "usleep": "a descriptor to wait for",
    "goto": "a cleanup attribute", "signal": "sigaction or signalfd", "malloc": "xmalloc",
    "calloc": "xcalloc", "realloc": "xrealloc", "strdup": "xstrdup",
}
# where the words are defined
EXEMPT = {"src/base/alloc.c"}
# Files that handle trees an image or a caller wrote: paths only through sys/rootfs.h.
UNTRUSTED = re.compile(r"src/(container/(?!.*-test\.c)|store/layer/folder)")
PATH_CALLS = ["open", "stat", "lstat", "chmod", "chown", "lchown", "mkdir", "rmdir", "unlink", "rename", "link",
              "symlink", "mknod", "mkfifo", "opendir", "fopen", "access", "readlink", "truncate", "mount",
              "umount", "chroot", "setxattr", "getxattr", "utime"]


def strip(text):
    """Blanks comments and strings, keeping the lines."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def main():
    bad = []
    for path in sys.argv[1:]:
        test = path.endswith("-test.c") or path.startswith(("test/", "bench/"))
        code = strip(open(path, encoding="utf-8").read())
        for number, line in enumerate(code.split("\n"), 1):
            for word, instead in EVERYWHERE.items():
                call = rf"\b{word}\b" if word == "goto" else rf"(?<![\w.>]){word}\s*\("
                if path not in EXEMPT and not test and re.search(call, line):
                    bad.append(f"{path}:{number}: {word}; use {instead}")
            for word in PATH_CALLS if UNTRUSTED.match(path) and not test else []:
                if re.search(rf"(?<![\w.>]){word}\s*\(", line):
                    bad.append(f"{path}:{number}: {word} takes a path; use sys/rootfs.h")
    print("\n".join(bad))
    return 1 if bad else 0


sys.exit(main())
