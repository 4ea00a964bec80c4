"""`run` and `environments`: a whole job in one command, and where it can run."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ocean_lib.cli.commands.order import start_typed
from ocean_lib.cli.commands.outcome import bring, show_files
from ocean_lib.cli.errors import CommandError, ExitCode, exit_code_of, told
from ocean_lib.cli.job_arguments import max_cost_option, run_arguments
from ocean_lib.cli.job_file import WhichJob, job_document, job_file_option, job_times, said
from ocean_lib.cli.options import Folder, client_options, network_options, output_options
from ocean_lib.cli.session import Session, pass_session, usable_folder
from ocean_lib.cli.typed_job import TypedJob
from ocean_lib.exceptions import JobError, OceanError

if TYPE_CHECKING:
    from ocean_lib.backends.environment import Environment, Price, Resource
    from ocean_lib.jobs.view import JobStatus
    from ocean_lib.ocean.compute_job import ComputeJob


@click.command(short_help="Run an algorithm on data, and bring its results home.")
@run_arguments
@click.option(
    "--out",
    "folder",
    metavar="FOLDER",
    type=Folder(),
    help="Where results and logs go; made if it is not there.  [default: downloads/JOB_ID]",
)
@max_cost_option
@job_file_option
@client_options
@pass_session
def run(
    session: Session,
    typed: TypedJob,
    folder: Path | None,
    max_cost: dict[str, str] | None,
    job_file: Path | None,
) -> ExitCode:
    """Run an algorithm on data: start the job, show its log, download its results.

    ALGORITHM is a file of code (.py, .js, .R or .sh; others need --image and --entrypoint), or the
    DID of a published algorithm. At an Ocean Node, name files by their URLs: the free ones of its
    environments need no order, no chain and no wallet, since one is made where there is none. At
    a V3 Provider, name data sets that are ordered. With --max-cost, what is missing is paid first:
    orders, and at a node the escrow.

    The exit status is 0 if the algorithm succeeded and everything came home, and 3 if the job
    failed or was stopped. Ctrl-C leaves the job running.
    """
    if folder is not None:
        usable_folder(folder, "--out")
    job = start_typed(session, typed, job_file, max_cost)
    which = WhichJob(job.job_id, job.did, job_file)
    session.out.say(f"Started job {job.job_id} of {job.owner}.")
    with session.interruptible(f"Stopped watching. Job {job.job_id} {which.how_to_go_on(session)}"):
        ended = _watched(session, job, which)
    again = f"ocean-compute download {which.words(session)}"
    with session.interruptible(f"Job {job.job_id} has ended. Download its results: {again}"):
        found, code = _brought(session, job, folder, ended)
    document = {**job_document(job, ended), **({} if session.out.as_json else _end_of(ended))}
    session.out.fields(document, also={**job_times(job, ended), **found})
    if not session.out.as_json:
        show_files(found)
    return ExitCode.JOB_FAILED if ended.succeeded is False else code


def _watched(session: Session, job: ComputeJob, which: WhichJob) -> JobStatus:
    """Show states and log until the job has ended."""

    def show(seen: JobStatus) -> None:
        session.out.say(said(seen))

    try:
        for piece in job.logs(follow=True, on_update=show):
            session.out.say_piece(piece)
    except OceanError as error:  # the job goes on, whatever became of its log
        session.out.say(f"The log cannot be shown: {told(error)}")
    seen = job.last_status
    if seen is not None and seen.is_finished:
        return seen
    try:
        return job.wait(on_update=show, progress=False)
    except OceanError as error:
        raise CommandError(
            f"{told(error)} Job {job.job_id} was started and may go on. Wait for it: "
            f"ocean-compute wait {which.words(session)}",
            exit_code_of(error),
            job_id=job.job_id,
            did=job.did,
        ) from None


def _brought(
    session: Session, job: ComputeJob, folder: Path | None, ended: JobStatus
) -> tuple[dict[str, Any], ExitCode]:
    """Download what there is; a job that failed need not have left anything."""
    try:
        found = bring(session, job, folder)
        return found, ExitCode.ERROR if found["failures"] else ExitCode.DONE
    except OceanError as error:
        is_usual = isinstance(error, JobError) and ended.succeeded is False
        failures = {} if is_usual else {"results": told(error)}
        return {"folder": None, "files": [], "failures": failures}, exit_code_of(error)


def _end_of(ended: JobStatus) -> dict[str, str]:
    return {"algorithm": ended.algorithm_end}


@click.command(short_help="List where jobs can run at an Ocean Node.")
@network_options
@output_options
@pass_session
def environments(session: Session) -> None:
    """List the environments of an Ocean Node: what they offer, what it costs, who waits there.

    A node offers some both ways, free and paid. A V3 Provider has one, of which it tells nothing.
    """
    found = session.ocean.compute.environments()
    if session.out.as_json:
        listed = [dataclasses.asdict(one) for one in found]
        session.out.document({"node": session.config.provider_url, "environments": listed})
        return
    if not any(one.id for one in found):
        session.out.say("This back end has one environment, and tells nothing of it.")
        return
    session.out.table(_HEADERS, [tuple(_cells(one)) for one in found])


_HEADERS = (
    *("environment", "costs", "open to", "platform", "resources"),
    *("seconds", "running", "queued"),
)


def _cells(one: Environment) -> Iterator[object]:
    yield one.id
    yield "free" if one.is_free else "; ".join(map(_price, one.prices))
    yield "some wallets" if one.addresses or one.access_lists else "all"
    platform = f"{one.os}/{one.architecture}".strip("/")
    yield f"{platform}, network" if one.has_network else platform
    yield ", ".join(_resource(resource) for resource in one.resources.values())
    longest = "" if one.max_duration_s is None else one.max_duration_s
    yield f"{one.min_duration_s} to {longest}"
    yield one.running if one.max_jobs is None else f"{one.running} of {one.max_jobs}"
    yield f"{one.queued}, up to {one.max_queue_s} s" if one.max_queue_s else one.queued


def _price(price: Price) -> str:
    amounts = ", ".join(f"{name} {much:g}" for name, much in price.per_minute.items())
    return f"{amounts} a minute, in {price.token} on chain {price.chain_id}"


def _resource(resource: Resource) -> str:
    return f"{resource.id} {resource.min:g} to {resource.max:g} ({resource.in_use:g} in use)"
