"""On a compute node: run one job in the node's own sandbox, and leave how it ended.

A program of its own, started by the batch script. It has no contact with the network: all it reads
and writes is in the job's folder. The scheduler's SIGTERM ends the algorithm; should this process
be killed, the job's supervisor notices and ends the algorithm too.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import time
from dataclasses import asdict
from pathlib import Path

from ocean_lib.localnet.runners import CannotRun, RunOutcome
from ocean_lib.localnet.runners.isolation import UnknownIsolation
from ocean_lib.localnet.runners.local import LocalRunner
from ocean_lib.localnet.runners.slurm import job_files

_PAUSE_S = 0.02
_SIGNAL_S = 0.5
_CANNOT_RUN = 126


class _Signals:
    """The scheduler's wish to end the job."""

    def __init__(self) -> None:
        self.came = False
        signal.signal(signal.SIGTERM, self._note)

    def _note(self, _number: int, _frame: object) -> None:
        self.came = True


def main() -> None:
    """Run the job of the folder named on the command line, unless it has been run before."""
    logging.basicConfig(stream=sys.stderr, format="%(message)s")
    os.umask(0o077)
    control = Path(sys.argv[1])
    signals = _Signals()
    slurm_id = os.environ.get("SLURM_JOB_ID", "")
    if not job_files.claim(control, slurm_id):
        print(f"another Slurm job than {slurm_id} has this job", file=sys.stderr)  # noqa: T201
        return
    order = job_files.read_order(control)
    outcome = _run(order, signals)
    job_files.leave(control, {"outcome": asdict(outcome), "signalled": signals.came})
    status = outcome.exit_status
    sys.exit(_CANNOT_RUN if status is None else status)


def _run(order: job_files.Order, signals: _Signals) -> RunOutcome:
    job = order.job
    notes = job.folder / "control" / job.notes_log
    with notes.open("a", encoding="utf-8") as file:
        file.write(f"[localnet] node {socket.gethostname()}\n")
    try:
        runner = LocalRunner(
            job.folder / "control" / "tools",
            python=order.python or None,
            isolation=order.isolation,
            state=order.state,
        )
        runner.submit(job)
    except (CannotRun, UnknownIsolation) as error:
        return RunOutcome("refused", None, str(error))
    while (outcome := runner.poll(job.job_id)) is None:
        if signals.came:
            runner.stop(job.job_id)
        time.sleep(_PAUSE_S)
    if outcome.exit_code == -signal.SIGTERM and not signals.came:
        # The scheduler signals every process of the job; ours may come last.
        time.sleep(_SIGNAL_S)
    return outcome
