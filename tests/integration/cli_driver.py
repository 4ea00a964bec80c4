"""Drives the real `ocean-compute` in its own processes, and looks for secrets in what it says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import forked
from tests.strict import STRICT

PROGRAM = [sys.executable, *STRICT, "-m", "ocean_lib.cli"]
DOC = Path(__file__).parents[2] / "docs" / "cli.md"
DEADLINE_S = 60.0


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)

    def __getitem__(self, key: str) -> Any:
        return self.json[key]


@dataclass
class CommandLine:
    """Runs commands in a folder with an environment of their own.

    Attributes:
        folder: where they run.
        environment: on top of this process's.
        secrets: what must never be shown.
    """

    folder: Path
    environment: dict[str, str]
    secrets: list[str] = field(default_factory=list)

    def run(self, *arguments: str, code: int = 0, **environment: str) -> Said:
        """Run a command that ends with this status."""
        said = Said(
            *forked.run(
                arguments,
                folder=self.folder,
                environment=self.variables(**environment),
                timeout_s=DEADLINE_S,
            )
        )
        assert said.code == code, f"{arguments}: {said.code}\n{said.err}"
        return self.checked(said)

    def json(self, *arguments: str, code: int = 0, **environment: str) -> Said:
        """Run a command with --json, and compare the keys with those of the document."""
        said = self.run(*arguments, "--json", code=code, **environment)
        names = [word for word in arguments if not word.startswith("-")]
        known = documented_keys()
        name = next(n for n in (" ".join(names[:2]), names[0]) if n in known)
        wanted = known["error"] if "error" in said.json else known[name]
        shown = said.json.get("error", said.json)
        assert set(shown) == wanted, f"{name} shows other keys than docs/cli.md says"
        return said

    def started(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command and leave it running."""
        return subprocess.Popen(
            [*PROGRAM, *arguments],
            cwd=self.folder,
            env=self.variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def checked(self, said: Said) -> Said:
        """Return what was said if no secret is in it, and no traceback."""
        shown = (said.out + said.err).lower()
        assert not [secret for secret in self.secrets if secret.lower() in shown]
        assert "Traceback" not in said.err
        assert "\x1b" not in said.out + said.err
        return said

    def variables(self, **more: str) -> dict[str, str]:
        """Return the whole environment of a command."""
        bare = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("OCEAN_", "TMUX")) and name != "CONFIG_FILE"
        }
        own = {
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "XDG_DATA_HOME": str(self.folder / "data-home"),
        }
        return {**bare, **own, **self.environment, **more}


def documented_keys() -> dict[str, set[str]]:
    """Return the keys of each command's JSON, as docs/cli.md lists them."""
    rows = re.findall(r"^\| `([a-z -]+)` \| (`.+) \|$", DOC.read_text("utf-8"), re.MULTILINE)
    keys: dict[str, set[str]] = {}
    for name, listed in rows:
        keys[name] = set(re.findall(r"`(\w+)`", listed.partition(":")[0]))
    return keys


def read_json_document(stream: Any) -> Any:
    """Read one indented JSON document from a stream that stays open."""
    lines = []
    for line in stream:
        lines.append(line)
        if line == "}\n":
            break
    return json.loads("".join(lines))
