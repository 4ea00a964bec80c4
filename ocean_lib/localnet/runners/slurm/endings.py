"""Tell how a job ended, from what it left in its folder and what the scheduler says of it."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from ocean_lib.localnet.runners import EndReason, RunOutcome
from ocean_lib.localnet.runners.slurm.commands import Seen

_WAITING = ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD")
_RUNNING = ("RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "RESIZING", "STAGE_OUT")
_ENDED_BY: dict[str, EndReason] = {
    "TIMEOUT": "wall_time",
    "DEADLINE": "wall_time",
    "OUT_OF_MEMORY": "memory",
    "PREEMPTED": "preempted",
    "NODE_FAIL": "node_failed",
    "BOOT_FAIL": "node_failed",
    "LAUNCH_FAILED": "node_failed",
    "CANCELLED": "cancelled",
    "REVOKED": "cancelled",
}
# Why a job waits that no waiting helps.
_HOPELESS = {
    "BadConstraints": "no node has what the job asks for",
    "InvalidAccount": "the cluster does not know the account",
    "InvalidQOS": "the cluster does not know the quality of service",
    "PartitionConfig": "the job asks for more than the partition allows",
    "PartitionNodeLimit": "the job asks for more than the partition allows",
    "PartitionTimeLimit": "the job asks for more time than the partition allows",
}
# By which the machine or the scheduler may have ended the algorithm.
_FROM_OUTSIDE = (-signal.SIGTERM, -signal.SIGKILL)
# What a supervisor says of an end that was not its own doing.
_ENDED_FOR_US = ("exited", "stopped", "orphaned")


@dataclass(frozen=True)
class Left:
    """What a job left in its folder.

    Attributes:
        outcome: How the algorithm ended.
        signalled: Whether the scheduler asked the job to end.
        whole: Whether our program on the node came to its own end.
    """

    outcome: RunOutcome
    signalled: bool = False
    whole: bool = True

    @property
    def is_certain(self) -> bool:
        """Whether the scheduler need not be asked."""
        from_outside = self.signalled or self.outcome.exit_code in _FROM_OUTSIDE
        return self.whole and not (self.outcome.reason in _ENDED_FOR_US and from_outside)


def is_waiting(seen: Seen) -> bool:
    """Tell whether a job is in the queue."""
    return seen.state in _WAITING


def has_ended(seen: Seen) -> bool:
    """Tell whether a job is over."""
    return seen.state not in _WAITING and seen.state not in _RUNNING


def hopeless(seen: Seen) -> str:
    """Return why a waiting job will never run; empty if it may."""
    why = _HOPELESS.get(seen.reason) if seen.state == "PENDING" else None
    return f"{why} (Slurm: {seen.reason})" if why else ""


def of_several(seen: list[Seen]) -> Seen:
    """Return which of the Slurm jobs of one name counts; only one of them ever runs anything."""
    return min(seen, key=lambda one: (has_ended(one), is_waiting(one), one.state == "COMPLETED"))


def outcome(left: Left | None, seen: Seen | None, *, stop_asked: bool) -> RunOutcome:
    """Tell how a job ended.

    Args:
        left: What it left.
        seen: What the scheduler says, after its end; None if it does not know the job any more.
        stop_asked: Whether its owner wanted that.
    """
    exit_code = left.outcome.exit_code if left is not None else None
    by = _ENDED_BY.get(seen.state) if seen is not None else None
    ended_itself = left is not None and left.outcome.reason not in _ENDED_FOR_US
    if left is not None and (left.is_certain or ended_itself):
        return left.outcome
    if stop_asked and (by == "cancelled" or (left is not None and left.signalled)):
        return RunOutcome("stopped", exit_code)
    if by is not None:
        told = f"Slurm job {seen.slurm_id} is {seen.state}" if seen is not None else ""
        return RunOutcome(by, exit_code, told)
    if left is not None and left.outcome.reason == "exited" and not left.signalled:
        return left.outcome
    if left is not None and left.signalled:
        return RunOutcome("cancelled", exit_code)
    return RunOutcome("lost", exit_code, _nothing_left(seen))


def _nothing_left(seen: Seen | None) -> str:
    if seen is None:
        return "Slurm does not know it any more, and it left no outcome"
    place = f" on {seen.nodes}" if seen.nodes else ""
    return (
        f"Slurm job {seen.slurm_id} is {seen.state}{place} and left no outcome. Is the network's "
        "folder shared with that machine, and does the interpreter run there?"
    )
