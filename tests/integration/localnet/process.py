"""A network in a process of its own, for tests that end it with a signal."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from eth_account import Account

from ocean_lib.localnet.files.access import FileStore

if TYPE_CHECKING:
    from ocean_lib.localnet import LocalNetwork


@contextmanager
def command(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run `python -m ocean_lib.localnet --json`; at the latest it ends with the block."""
    with subprocess.Popen(
        [sys.executable, "-m", "ocean_lib.localnet", "--json", *arguments],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def described(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait until the network answers and return what it printed."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line == "}\n":
            break
    return dict(json.loads("".join(lines)))


def attached(folder: Path) -> LocalNetwork:
    """Describe the network that runs on a state folder, as far as the handmade client looks."""
    ports = json.loads((folder / "ports.json").read_text())
    keys = json.loads((folder / "keys.json").read_text())
    addresses = json.loads((folder / "address.json").read_text())["development"]
    url = f"http://127.0.0.1:{ports['port']}"
    network = SimpleNamespace(
        provider_url=url,
        rpc_url=f"http://127.0.0.1:{ports['rpc_port']}",
        accounts=[Account.from_key(key) for key in keys["accounts"]],
        state_dir=folder,
        contracts=SimpleNamespace(
            dt_factory=addresses["DTFactory"], metadata=addresses["Metadata"]
        ),
        publish_file=lambda content, name: url + FileStore(folder / "files").add(content, name),
    )
    return cast("LocalNetwork", network)
