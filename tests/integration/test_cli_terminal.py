"""`ocean-compute` in a terminal, typed key by key in tmux: bars, Ctrl-C, hidden prompts."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from ocean_lib.localnet import LocalNetwork
from ocean_lib.ocean.ocean import Ocean
from ocean_lib.web3_internal.wallet import Wallet
from tests import flows
from tests.integration.cli_driver import PROGRAM, CommandLine

TMUX = shutil.which("tmux") or ""
pytestmark = pytest.mark.skipif(not TMUX, reason="needs tmux to play a terminal")

DEADLINE_S = 40.0
RESTING = """
import os, time
from pathlib import Path
time.sleep(5)
(Path(os.environ["OUTPUTS"]) / "out.txt").write_text("rested")
"""
CODE = "--code rest.py --image python --tag 3.11 --entrypoint 'python3 $ALGO'"


@dataclass(frozen=True)
class Terminal:
    """A shell in a terminal of its own; `oc` is ocean-compute there."""

    socket: str
    line: CommandLine
    marks: Iterator[int] = field(default_factory=count)

    def open(self, columns: int) -> None:
        """Open the terminal."""
        size = ("-x", str(columns), "-y", "40")
        self.tmux("new-session", "-d", "-s", "it", *size, "bash --norc --noprofile")
        self.type(f'PS1="$ "; oc() {{ {shlex.join(PROGRAM)} "$@"; }}')

    def tmux(self, *arguments: str) -> str:
        """Run a command of tmux."""
        return subprocess.run(
            [TMUX, "-L", self.socket, "-f", "/dev/null", *arguments],
            cwd=self.line.folder,
            env=self.line.variables(LC_ALL="C.UTF-8", TERM="xterm-256color"),
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=True,
        ).stdout

    def type(self, text: str) -> None:
        """Type a line and Enter."""
        self.tmux("send-keys", "-t", "it", "-l", text)
        self.tmux("send-keys", "-t", "it", "Enter")

    def screen(self, *options: str) -> str:
        """Return what is and was to be seen, wrapped lines joined."""
        return self.tmux("capture-pane", "-t", "it", "-p", "-J", "-S", "-", *options)

    def until(self, pattern: str) -> str:
        """Return the screen once this is to be seen on it."""
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            screen = self.screen()
            if re.search(pattern, screen, re.MULTILINE):
                return screen
            threading.Event().wait(0.05)
        raise AssertionError(f"{pattern!r} not seen in {DEADLINE_S:g} s, but:\n{screen}")

    def begin(self, command: str) -> Callable[[int], str]:
        """Type a command; returns a call that waits for its end with a status."""
        mark = f"ended-{next(self.marks)}"
        self.type(f"{command}; echo {mark}=$?")

        def ends(code: int) -> str:
            screen = self.until(rf"^{mark}=\d+ *$")
            shown = screen.split(f"echo {mark}=$?")[-1]
            assert f"{mark}={code}" in shown, shown
            return shown

        return ends


@pytest.fixture
def terminal(network: LocalNetwork, tmp_path: Path) -> Iterator[Terminal]:
    """A terminal of a consumer, whose key is in the environment."""
    section, options = "resources", network.options
    lines = ["[eth-network]", *(f"{k} = {v}" for k, v in options["eth-network"].items())]
    lines += [f"[{section}]", *(f"{k} = {v}" for k, v in options[section].items())]
    (tmp_path / "config.ini").write_text("\n".join(lines))
    key = network.wallet(1).unsafe_private_key()
    environment = {"CONFIG_FILE": str(tmp_path / "config.ini"), "OCEAN_PRIVATE_KEY": key}
    opened = Terminal(f"oc-{uuid.uuid4().hex}", CommandLine(tmp_path, environment, [key[2:]]))
    try:
        opened.open(100)
        yield opened
    finally:
        subprocess.run([TMUX, "-L", opened.socket, "kill-server"], check=False)


def test_a_session_start_wait_interrupt_wait_again_download(
    terminal: Terminal,
    network: LocalNetwork,
    ocean: Ocean,
    publisher_wallet: Wallet,
    consumer_wallet: Wallet,
) -> None:
    asset = flows.publish_dataset(ocean, network, publisher_wallet, "a\n1\n", raw=True)
    order = flows.order(ocean, asset, "compute", publisher_wallet, consumer_wallet)
    (terminal.line.folder / "rest.py").write_text(RESTING)
    start = f"oc start {asset.did} --order {order.transfer_tx_id} {CODE} --job-file job.json"

    assert "Wait for it: ocean-compute wait --job-file job.json" in terminal.begin(start)(0)

    ends = terminal.begin("oc wait --job-file job.json")
    terminal.until(r"^Job: [-|/\\] Running algorithm \[00:0")
    terminal.tmux("send-keys", "-t", "it", "C-c")
    said = ends(130)
    assert "Stopped waiting." in said
    assert "Wait for it again: ocean-compute wait --job-file job.json" in said
    assert "Aborted" not in said

    said = terminal.begin("oc wait --job-file job.json")(0)
    assert re.search(r"^Job: finished \[00:\d\d\]", said, re.MULTILINE)
    assert re.search(r"^state +finished$", said, re.MULTILINE)
    assert "\x1b[32mfinished" in terminal.screen("-e")

    said = terminal.begin("oc download --job-file job.json --to out")(0)
    assert re.search(r"^2 file\(s\): ", said, re.MULTILINE)
    assert (terminal.line.folder / "out" / "out.txt").read_text() == "rested"

    terminal.tmux("resize-window", "-t", "it", "-x", "70")
    said = terminal.begin(f"NO_COLOR=1 oc jobs --did {asset.did}")(0)
    assert re.search(rf"^data set +{asset.did}$", said, re.MULTILINE)
    assert "\x1b[" not in terminal.screen("-e").rpartition("NO_COLOR")[2]


def test_passwords_and_keys_are_typed_unseen(terminal: Terminal) -> None:
    key, password = "11" * 32, "hush-hush"

    ends = terminal.begin("oc wallet new new.json")
    terminal.until(r"^New password of new.json:")
    terminal.type(password)
    terminal.until(r"^Repeat for confirmation:")
    terminal.type(password)
    ends(0)
    ends = terminal.begin("(unset OCEAN_PRIVATE_KEY; oc wallet show)")
    terminal.until(r"^Private key \(hidden\):")
    terminal.type(key)
    said = ends(0)

    assert "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A" in said
    assert not [secret for secret in (key, password) if secret in terminal.screen()]


def test_ctrl_c_at_a_prompt_ends_quietly(terminal: Terminal) -> None:
    ends = terminal.begin("oc wallet new new.json")
    terminal.until(r"^New password of new.json:")
    terminal.tmux("send-keys", "-t", "it", "C-c")

    assert "Interrupted." in ends(130)
    assert not (terminal.line.folder / "new.json").exists()


@pytest.mark.parametrize("command", ["buy", "order", "mint --to 0x{}"])
def test_ctrl_c_at_the_prompt_for_a_key_says_that_nothing_was_sent(
    terminal: Terminal, command: str
) -> None:
    words = command.format("9" * 40)
    ends = terminal.begin(f"(unset OCEAN_PRIVATE_KEY; oc {words} did:op:{'12' * 20})")
    terminal.until(r"Private key \(hidden\):")  # a full line is joined with the next
    terminal.tmux("send-keys", "-t", "it", "C-c")

    assert "Interrupted. Nothing was sent." in ends(130)
