# SPDX-License-Identifier: Apache-2.0
"""Completion in the shells themselves."""
import subprocess

import pytest
from engine import BIN

BASH = """
source <(berth completion bash)
COMP_WORDS=(berth "$1"); COMP_CWORD=1; COMP_LINE="berth $1"; COMP_POINT=${#COMP_LINE}
$(complete -p berth | sed 's/.*-F \\([^ ]*\\).*/\\1/') berth "$1" berth
echo "${COMPREPLY[@]}"
"""
ZSH = """
autoload -Uz compinit; compinit -u -D
source <(berth completion zsh)
print $_comps[berth] $+functions[_berth]
"""
FISH = "berth completion fish | source; complete -C 'berth ru'"


@pytest.mark.parametrize("words,said", [
    (["bash", "--norc", "-c", BASH, "-", "ru"], "run"),
    (["zsh", "-f", "-c", ZSH], "_berth 1"),
    (["fish", "-N", "-c", FISH], "run"),
], ids=["bash", "zsh", "fish"])
def test_completion_is_loaded_without_an_error(words, said, tmp_path):
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                          env={"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(tmp_path), "TERM": "dumb"})
    assert done.returncode == 0 and done.stderr == "" and done.stdout.startswith(said), (done.stdout, done.stderr)
