"""`download`, `result` and `logs`: what a job has left."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from ocean_lib.checks import parse_json
from ocean_lib.cli.errors import CommandError, ExitCode, told
from ocean_lib.cli.job_file import WhichJob, job_options
from ocean_lib.cli.options import Folder, client_options
from ocean_lib.cli.output import is_terminal, one_line
from ocean_lib.cli.session import Session, pass_session


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
    target = folder or Path(session.config.downloads_path).expanduser() / job.job_id
    has_bar = is_terminal(sys.stderr) and not (no_progress or session.out.quiet)
    report = job.download(target, logs=not no_logs, max_bytes=max_bytes, progress=has_bar)
    failures = {name: told(error) for name, error in report.failures.items()}
    if session.out.as_json:
        session.out.document(
            {
                "job_id": job.job_id,
                "did": job.did,
                "folder": str(target),
                "files": [str(path) for path in report],
                "failures": failures,
            }
        )
    else:
        for path in report:
            click.echo(one_line(path))
        for name, reason in failures.items():
            click.echo(f"Error: {name} could not be downloaded: {reason}", err=True)
    return ExitCode.ERROR if failures else ExitCode.DONE


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
            f"Job {job.job_id} has no output yet. Wait for it: ocean-compute wait {which.words}",
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
@click.option("--tail", metavar="LINES", type=click.IntRange(0), help="Only the last so many.")
@click.option(
    "--max-bytes",
    type=click.IntRange(1),
    help="Refuse a log that is longer; with --tail, the most to print.  [default: 100 MiB]",
)
@client_options
@pass_session
def logs(session: Session, which: WhichJob, tail: int | None, max_bytes: int | None) -> None:
    """Print what the algorithm wrote to its log."""
    job = which.open(session, signs=True)
    text = job.logs(tail=tail, max_bytes=max_bytes)
    if session.out.as_json:
        session.out.document({"job_id": job.job_id, "did": job.did, "logs": text})
    elif text:
        session.out.raw(text)
    else:
        session.out.say(f"Job {job.job_id} has no log yet.")
