"""Runners by their names: each is a module of its own, imported only when it is asked for.

A module has two functions: `check` looks at the options and at the machine before anything is
written, `make` makes the runner for a network's folder. A new runner is one more line of
`_MODULES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Protocol

from ocean_lib.localnet.errors import BadOption
from ocean_lib.localnet.runners import JobRunner

CONTAINER = "container"
"""The isolation that takes a container engine by itself."""
CONTAINERS = "docker"
_MODULES = {CONTAINERS: "containers", "slurm": "slurm.start"}
NAMES = tuple(_MODULES)


class RunnerUnusable(Exception):
    """A runner that was asked for and that cannot run here; the text says what to do."""


@dataclass(frozen=True)
class NamedRunner:
    """A runner that was asked for by its name.

    Attributes:
        name: One of `NAMES`.
        isolation: The isolation that was asked for; None for the runner's own choice.
        options: The runner's own options, as texts.
    """

    name: str
    isolation: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Check the options, and that the machine has what the runner needs.

        Raises:
            BadOption: If the runner has no such option, or cannot use its value.
            RunnerUnusable: If something is missing on this machine.
        """
        self._module().check(self)

    def make(self, folder: Path) -> JobRunner:
        """Make the runner.

        Args:
            folder: The network's folder; jobs' folders are below it.

        Raises:
            BadOption: As `check`.
            RunnerUnusable: As `check`.
        """
        return self._module().make(self, folder)

    def options_with(self, usual: Mapping[str, str]) -> dict[str, str]:
        """Return all of a runner's options, those that were given and the usual ones.

        Args:
            usual: Every option that the runner has, with its usual value.

        Raises:
            BadOption: If there is no option of a name.
        """
        for name in self.options:
            if name not in usual:
                known = ", ".join(usual) or "none"
                raise BadOption(
                    f"runner_options (--runner-option): the runner {self.name!r} has no option "
                    f"{name!r}; it has: {known}"
                )
        return {**usual, **self.options}

    def _module(self) -> _RunnerModule:
        module: _RunnerModule = import_module(f"{__package__}.{_MODULES[self.name]}")
        return module


class _RunnerModule(Protocol):
    """What a runner's module has."""

    def check(self, asked: NamedRunner) -> None:
        """See `NamedRunner.check`."""

    def make(self, asked: NamedRunner, folder: Path) -> JobRunner:
        """See `NamedRunner.make`."""
