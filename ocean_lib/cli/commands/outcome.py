"""`download`, `result` and `logs`: what a job has left."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ocean_lib.checks import parse_json
from ocean_lib.cli.errors import CommandError, ExitCode, told
from ocean_lib.cli.job_file import WhichJob, job_options
from ocean_lib.cli.options import Folder, client_options
from ocean_lib.cli.output import is_terminal, one_line
from ocean_lib.cli.session import Session, pass_session

if TYPE_CHECKING:
    from ocean_lib.ocean.compute_job import ComputeJob


@click.command(short_help="Download a job's results and logs.")
@job_options
@click.option(
    "--to",
    "folder",
    metavar="FOLDER",
    type=Folder(),
    help="Where to; made if it is not there.  [default: downloads/JOB_ID]",
)
@click.option("--no-logs", is_flag=True, help="Results only.")
@click.option("--max-bytes", type=click.IntRange(1), help="Refuse files that are longer.")
@click.option("--no-progress", is_flag=True, help="Show no bar.")
@client_options
@pass_session
def download(
    session: Session,
    which: WhichJob,
    folder: Path | None,
    no_logs: bool,
    max_bytes: int | None,
    no_progress: bool,
) -> ExitCode:
    """Download a job's results and logs. Each file is there whole, or not at all."""
    job = which.open(session, signs=True)
    found = bring(session, job, folder, logs=not no_logs, max_bytes=max_bytes, bar=not no_progress)
    if session.out.as_json:
        session.out.document({"job_id": job.job_id, "did": job.did, **found})
    else:
        show_files(found)
    return ExitCode.ERROR if found["failures"] else ExitCode.DONE


def bring(
    session: Session,
    job: ComputeJob,
    folder: Path | None,
    *,
    logs: bool = True,
    max_bytes: int | None = None,
    bar: bool = True,
) -> dict[str, Any]:
    """Download what a job has left.

    Args:
        session: the run.
        job: the job.
        folder: where to; None: below the config's folder for downloads, by the job's id.
        logs: also the logs.
        max_bytes: refuse longer files.
        bar: show a bar, where somebody sees it.

    Returns:
        `folder`, `files` and `failures`, for JSON.
    """
    target = folder or Path(session.config.downloads_path).expanduser() / job.job_id
    has_bar = is_terminal(sys.stderr) and bar and not session.out.quiet
    report = job.download(target, logs=logs, max_bytes=max_bytes, progress=has_bar)
    return {
        "folder": str(target),
        "files": [str(path) for path in report],
        "failures": {name: told(error) for name, error in report.failures.items()},
    }


def show_files(found: Mapping[str, Any]) -> None:
    """Show what `bring` returned."""
    for path in found["files"]:
        click.echo(one_line(path))
    for name, reason in found["failures"].items():
        click.echo(f"Error: {name} could not be downloaded: {reason}", err=True)


@click.command(short_help="List a job's files, or print one.")
@job_options
@click.option("--open", "name", metavar="NAME", help="Print this file, which must be small.")
@client_options
@pass_session
def result(session: Session, which: WhichJob, name: str | None) -> None:
    """List a job's result and log files, or print one of them to stdout.

    For large files there is `download`.
    """
    job = which.open(session, signs=True)
    head = {"job_id": job.job_id, "did": job.did}
    if name is not None:
        _print_file(session, head, name, job.open(name).read())
        return
    files = job.files()
    if not files:
        raise CommandError(
            f"Job {job.job_id} has no output yet. Wait for it: ocean-compute wait "
            f"{which.words(session)}",
            ExitCode.NOT_FOUND,
        )
    if session.out.as_json:
        listed = [{"name": file.name, "is_log": file.is_log} for file in files]
        session.out.document({**head, "files": listed})
        return
    session.out.table(
        ("file", "kind"), [(file.name, "log" if file.is_log else "result") for file in files]
    )


def _print_file(session: Session, head: dict[str, Any], name: str, content: bytes) -> None:
    if not session.out.as_json:
        if is_terminal(sys.stdout):
            session.out.raw(content.decode("utf-8", "replace"))
        else:
            click.echo(content, nl=False)
        return
    text = content.decode("utf-8", "replace")
    parsed: Any = None
    if name.lower().endswith(".json"):
        try:
            parsed = parse_json(text)
        except ValueError:
            parsed = None
    session.out.document({**head, "name": name, "text": text, "json": parsed})


@click.command(short_help="Print the algorithm's log.")
@job_options
@click.option("--follow", "-f", is_flag=True, help="Show it as it grows, until the job ends.")
@click.option("--tail", metavar="LINES", type=click.IntRange(0), help="Only the last so many.")
@click.option(
    "--max-bytes",
    type=click.IntRange(1),
    help="Refuse a log that is longer; with --tail, the most to print.  [default: 100 MiB]",
)
@client_options
@pass_session
def logs(
    session: Session, which: WhichJob, follow: bool, tail: int | None, max_bytes: int | None
) -> None:
    """Print what the algorithm wrote to its log.

    With --follow an Ocean Node shows it while the job runs; a V3 Provider, and --json, only when
    the job has ended.
    """
    if follow and (tail is not None or max_bytes is not None):
        raise click.UsageError("--follow shows the whole log: leave --tail and --max-bytes out.")
    job = which.open(session, signs=True)
    if follow:
        goes_on = f"Stopped following. Job {job.job_id} {which.how_to_go_on(session)}"
        with session.interruptible(goes_on):
            text = _followed(session, job)
    else:
        text = job.logs(tail=tail, max_bytes=max_bytes)
    if session.out.as_json:
        session.out.document({"job_id": job.job_id, "did": job.did, "logs": text})
    elif text:
        session.out.raw(text)
    elif not follow:
        session.out.say(f"Job {job.job_id} has no log yet.")


def _followed(session: Session, job: ComputeJob) -> str:
    """Show the log piece by piece; for JSON return the whole instead."""
    pieces = job.logs(follow=True)
    if session.out.as_json:
        return "".join(pieces)
    for piece in pieces:
        session.out.raw_piece(piece)
        sys.stdout.flush()
    return ""
