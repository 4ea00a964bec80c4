"""Make the Slurm runner for a network, or say why there cannot be one."""

from __future__ import annotations

import logging
import secrets
from pathlib import Path

from ocean_lib.localnet.runners import JobRunner
from ocean_lib.localnet.runners.named import NamedRunner
from ocean_lib.localnet.runners.slurm import commands
from ocean_lib.localnet.runners.slurm.options import USUAL, SlurmOptions
from ocean_lib.localnet.runners.slurm.runner import SlurmRunner
from ocean_lib.localnet.state.folder import TEMPORARY

_log = logging.getLogger(__name__)


def check(asked: NamedRunner) -> None:
    """Check the options, and that jobs can be submitted from here.

    A controller that does not answer is logged: jobs wait until it does.

    Raises:
        BadOption: If an option cannot be used.
        RunnerUnusable: If Slurm is not here, or has no such partition.
    """
    away = commands.check(_options(asked))
    if away:
        _log.warning("Slurm does not answer now; jobs wait until it does: %s", away)


def make(asked: NamedRunner, folder: Path) -> JobRunner:
    """Make the runner of a network.

    Args:
        asked: The options.
        folder: The network's folder.
    """
    own = folder / "slurm"
    own.mkdir(mode=0o700, exist_ok=True)
    name = own / "name"
    if not name.exists():
        unfinished = own / "name.part"
        unfinished.write_text(secrets.token_hex(6), encoding="utf-8")
        unfinished.replace(name)
    return SlurmRunner(
        folder,
        name.read_text(encoding="utf-8"),
        _options(asked),
        isolation=asked.isolation,
        keep=not (folder / TEMPORARY).exists(),
    )


def _options(asked: NamedRunner) -> SlurmOptions:
    return SlurmOptions.from_texts(asked.options_with(USUAL))
