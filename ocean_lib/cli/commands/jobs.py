"""`status`, `wait`, `stop`, `delete` and `jobs`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ocean_lib.cli.errors import CommandError, ExitCode
from ocean_lib.cli.job_file import (
    WhichJob,
    job_document,
    job_options,
    job_times,
    said,
)
from ocean_lib.cli.options import DID, ORDER, PAUSE, SECONDS, client_options, owner_option
from ocean_lib.cli.output import is_terminal
from ocean_lib.cli.session import Session, pass_session

if TYPE_CHECKING:
    from ocean_lib.jobs.view import JobStatus
    from ocean_lib.ocean.compute_job import ComputeJob

_STATES = ("running", "finished", "failed", "stopped", "timed out", "unknown")


@click.command(short_help="Show the status of a job.")
@job_options
@owner_option
@client_options
@pass_session
def status(session: Session, which: WhichJob) -> None:
    """Show the status of a job. Nothing is signed, so no password is asked for.

    The exit status says whether it could be read; `wait` also says how the job went.
    """
    job = which.open(session)
    _show(session, job, job.status())


@click.command(short_help="Wait for a job to end.")
@job_options
@click.option("--timeout", type=SECONDS, metavar="SECONDS", help="Give up waiting after this long.")
@click.option(
    "--poll-interval",
    type=PAUSE,
    metavar="SECONDS",
    help="Poll this often.  [default: 0.2 s at first, growing to 30 s]",
)
@click.option("--no-progress", is_flag=True, help="Show no bar.")
@owner_option
@client_options
@pass_session
def wait(
    session: Session,
    which: WhichJob,
    timeout: float | None,
    poll_interval: float | None,
    no_progress: bool,
) -> ExitCode:
    """Wait for a job to end. Nothing is signed, so no password is asked for.

    Ctrl-C and --timeout leave the job running. The exit status is 0 if it ended regularly, 3 if
    it failed or was stopped. A V3 Provider does not tell an algorithm that crashed from one that
    did well: check its log and results. Where the exit code is told, as by the embedded
    network, a crash is a failure.
    """
    from ocean_lib.exceptions import JobTimeoutError

    job = which.open(session)
    goes_on = which.how_to_go_on(session)
    has_bar = is_terminal(sys.stderr) and not (no_progress or session.out.quiet)
    with session.interruptible(f"Stopped waiting. Job {job.job_id} {goes_on}"):
        try:
            ended = job.wait(
                timeout,
                poll_interval,
                on_update=None if has_bar else lambda seen: session.out.say(said(seen)),
                progress=has_bar,
            )
        except JobTimeoutError:
            answered, may = "", ""
            if job.last_status is None:
                answered, may = " without an answer", "may be gone, or "
            raise CommandError(
                f"Waited {timeout:g} s{answered}. Job {job.job_id} {may}{goes_on}",
                ExitCode.TIMED_OUT,
                job_id=job.job_id,
                did=job.did,
            ) from None
    _show(session, job, ended)
    return ExitCode.JOB_FAILED if ended.succeeded is False else ExitCode.DONE


@click.command(short_help="Stop a job.")
@job_options
@click.option(
    "--wait", "waits", is_flag=True, help="Wait until it has ended; ask again if need be."
)
@client_options
@pass_session
def stop(session: Session, which: WhichJob, waits: bool) -> None:
    """Ask the Provider to stop a job. Shows its status before the stop.

    A job that has ended is left alone: a Provider would call it stopped from then on. An Ocean Node
    can forget a stop while it starts the job's container: --wait asks again, and shows the status
    after the stop.
    """
    job = which.open(session, signs=True)
    before = job.status()
    if before.is_finished:
        session.out.say(f"Job {job.job_id} has ended already; nothing was sent.")
    else:
        with session.interruptible(f"Interrupted. Job {job.job_id} may have been asked to stop."):
            before = job.stop(wait=waits)
        session.out.say(f"Asked to stop job {job.job_id}.")
    _show(session, job, before)


@click.command(short_help="Ask to delete a job, where that is offered.")
@job_options
@client_options
@pass_session
def delete(session: Session, which: WhichJob) -> None:
    """Ask to delete a job and what it left.

    An Ocean Node does not offer that: it deletes a job when its storage time is over. A V3
    Provider takes the call, and most delete nothing; the embedded network does.
    """
    job = which.open(session, signs=True)
    is_accepted = job.delete()
    session.out.fields({"job_id": job.job_id, "did": job.did}, also={"accepted": is_accepted})
    session.out.say("The Provider took the call. Whether it deleted anything it does not tell.")


@click.command(short_help="List the wallet's jobs.")
@click.option("--did", metavar="DID", type=DID, help="Only on this data set, at its Provider.")
@click.option("--order", "order_tx", metavar="TX", type=ORDER, help="Only of this order.")
@click.option("--state", type=click.Choice(_STATES), help="Only in this state.")
@owner_option
@client_options
@pass_session
def jobs(session: Session, did: str | None, order_tx: str | None, state: str | None) -> None:
    """List the wallet's jobs at the Provider, the newest first.

    Nothing is signed, so no password is asked for.
    """
    from ocean_lib.base.tables import when

    if did is None:
        session.allow_free_wallet()
    owner = session.watcher()
    found = session.ocean.compute.jobs(owner, did, order_tx, state)
    looked = [(job, job.last_status) for job in found if job.last_status is not None]
    if session.out.as_json:
        listed = [{**job_document(job, seen), **job_times(job, seen)} for job, seen in looked]
        session.out.document({"owner": owner.address, "jobs": listed})
        return
    if not looked:
        session.out.say(f"No jobs of {owner.address}.")
        return
    session.out.table(
        ("job", "state", "created", "data set"),
        [(job.job_id, seen.state.value, when(seen.created_s), job.did) for job, seen in looked],
    )


def _show(session: Session, job: ComputeJob, seen: JobStatus) -> None:
    told = {"algorithm": seen.algorithm_end} if not session.out.as_json else {}
    session.out.fields({**job_document(job, seen), **told}, also=job_times(job, seen))
