"""Which job a command is about: named, or remembered in a job file."""

from __future__ import annotations

import json
import secrets
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from ocean_lib.checks import parse_json, printable
from ocean_lib.cli.errors import CommandError, ExitCode
from ocean_lib.cli.options import DID, JOB_ID
from ocean_lib.cli.output import one_line
from ocean_lib.cli.session import Session, existing_folder_of
from ocean_lib.exceptions import InvalidInput
from ocean_lib.http.redaction import safe_url

if TYPE_CHECKING:
    from ocean_lib.jobs.view import JobStatus
    from ocean_lib.ocean.compute_job import ComputeJob
    from ocean_lib.web3_internal.signer import Signer
    from ocean_lib.web3_internal.wallet import Wallet


def _with_a_name(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    if path is not None and not path.name:
        raise click.BadParameter("a file needs a name.")
    return path


job_file_option = click.option(
    "--job-file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_with_a_name,
    envvar="OCEAN_JOB_FILE",
    show_envvar=True,
    help="Remembers the job: `start` and `run` write it, the other commands read it.",
)


@dataclass(frozen=True)
class WhichJob:
    """The job that is meant.

    Attributes:
        job_id: its id, '' if a file says it.
        did: its data set, '' if it is to be looked up.
        file: a job file, None if there is none.
    """

    job_id: str
    did: str
    file: Path | None

    def words(self, session: Session) -> str:
        """Return how to name the job to the next command, ready for a shell."""
        if self.file is not None:
            return shlex.join(["--job-file", str(self.file)])
        place = ["--did", self.did] if self.did else place_words(session)
        return shlex.join([self.job_id, *place])

    def how_to_go_on(self, session: Session) -> str:
        """Say how to wait for a job that goes on, and how to stop it."""
        words = self.words(session)
        wait, stop = f"ocean-compute wait {words}", f"ocean-compute stop {words}"
        return f"goes on. Wait for it again: {wait}. Stop it: {stop}"

    def open(self, session: Session, *, signs: bool = False) -> ComputeJob:
        """Return a handle on the job.

        Args:
            session: the run.
            signs: whether the command signs; else no key is asked for.

        Raises:
            CommandError: there is no such job.
            InvalidInput: the file is not a job file, or is of another wallet.
            ProviderNotTrusted: the command signs, and nobody agrees to the job's Provider.
        """
        job = self._find(session, signs=signs)
        if signs:
            session.agree_to_provider(job.did)
        return job

    def _find(self, session: Session, *, signs: bool) -> ComputeJob:
        from ocean_lib.ocean.compute_job import ComputeJob

        kept = read_job_file(self.file) if self.file is not None else None
        if kept is not None and not signs:
            session.owner = session.owner or str(kept.get("owner") or "")
        is_on_files = not (self.did if kept is None else kept.get("did"))
        if is_on_files:
            session.allow_free_wallet()
        owner: Signer = session.wallet if signs else session.watcher()
        if is_on_files and kept is not None and not (session.node or session.provider):
            session.node = self._kept_node(kept, session.wallet if signs else None)
        compute = session.ocean.compute
        if kept is not None:
            return ComputeJob.from_dict(kept, compute, owner)
        if self.did:
            with suppress(InvalidInput):  # an id that looks like a key may be the Provider's own
                return compute.job(self.did, self.job_id, owner)
        for job in compute.jobs(owner, self.did or None):
            if job.job_id == self.job_id:
                return compute.job(job.did, job.job_id, owner)
        raise CommandError(
            f"The Provider has no job {printable(self.job_id)} of {owner.address}. Check the id "
            "and the wallet; a job at another Provider needs --did, one at a node --node.",
            ExitCode.NOT_FOUND,
        )

    def _kept_node(self, kept: Mapping[str, Any], signer: Wallet | None) -> str | None:
        """Return the node that a job file names.

        A signature goes there only if this wallet marked the file: a file of somebody else's
        chooses no server.
        """
        node, job_id = kept.get("node"), kept.get("job_id")
        if not isinstance(node, str) or not isinstance(job_id, str):
            return None
        if signer is not None and kept.get("node_mark") != _mark(signer, node, job_id):
            raise InvalidInput(
                f"{self.file} names the node {safe_url(node)}, and this wallet did not write that. "
                "Use the wallet that started the job; or give --node, if you trust the node."
            )
        return node


def place_words(session: Session) -> list[str]:
    """Return the options that name the back end, for the next command."""
    given = [("--node", session.node), ("--provider", session.provider)]
    return [word for option, url in given if url for word in (option, safe_url(url))]


def _mark(wallet: Wallet, node: str, job_id: str) -> str:
    """Return what only this wallet can put beside a job's node."""
    return wallet.sign_personal(f"ocean-compute: job {job_id} runs at {node}".encode()).hex()


def job_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command take [JOB_ID], --did and --job-file, and give it a `WhichJob`."""

    def gathered(
        *args: Any, job_id: str | None, did: str | None, job_file: Path | None, **rest: Any
    ) -> Any:
        return command(*args, which=_which(job_id, did, job_file), **rest)

    gathered.__name__ = command.__name__
    gathered.__doc__ = command.__doc__
    gathered.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    decorated = job_file_option(gathered)
    decorated = click.option(
        "--did",
        metavar="DID",
        type=DID,
        help="The job's data set, if its Provider is not the config's.",
    )(decorated)
    return click.argument("job_id", required=False, metavar="[JOB_ID]", type=JOB_ID)(decorated)


def _which(job_id: str | None, did: str | None, job_file: Path | None) -> WhichJob:
    source = click.get_current_context().get_parameter_source("job_file")
    if job_file is not None and job_id is not None and source is ParameterSource.ENVIRONMENT:
        job_file = None  # what is typed counts more than what is set
    if job_id is not None and job_file is not None:
        raise click.UsageError("Give JOB_ID or --job-file, not both.")
    if job_id is None and job_file is None:
        raise click.UsageError(
            "Say which job: JOB_ID, or --job-file. `ocean-compute jobs` lists them."
        )
    return WhichJob(job_id or "", did or "", job_file)


def read_job_file(path: Path) -> Mapping[str, Any]:
    """Return what a job file holds.

    Raises:
        CommandError: the file does not exist.
        InvalidInput: it is not a job file.
    """
    try:
        content = parse_json(path.read_bytes())
    except FileNotFoundError:
        raise CommandError(
            f"There is no job file {path}; "
            f"`ocean-compute start --job-file {shlex.quote(str(path))}` writes it, and so does "
            "`run`.",
            ExitCode.NOT_FOUND,
        ) from None
    except OSError as error:
        raise InvalidInput(f"The job file {path} cannot be read: {error.strerror}.") from None
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise InvalidInput(f"{path} is not a job file that `ocean-compute start` wrote.")
    return content


@contextmanager
def writable_job_file(session: Session, path: Path) -> Iterator[Callable[[ComputeJob], None]]:
    """Prove that a job can be remembered in a file, before there is one that would be lost.

    Args:
        session: the run.
        path: the job file. What it holds stays until there is a new job.

    Yields:
        What writes a job into it; there is no key in the file.

    Raises:
        click.BadParameter: the file cannot be written.
    """
    existing_folder_of(path)
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        if path.exists() and not _may_be_replaced(path):
            raise click.BadParameter(
                f"{path} exists and is not a job file; it was not replaced. Choose another name."
            )
        unfinished.touch(exist_ok=False)
    except OSError as error:
        raise click.BadParameter(f"{path} cannot be written: {error.strerror}.") from None

    def write(job: ComputeJob) -> None:
        kept = job.to_dict()
        if not job.did:  # no document says where it runs
            node = session.config.provider_url
            kept |= {"node": node, "node_mark": _mark(session.wallet, node, job.job_id)}
        unfinished.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
        unfinished.replace(path)

    try:
        yield write
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


def _may_be_replaced(path: Path) -> bool:
    """Whether it is an empty file or a job file, not somebody's other file."""
    if not path.is_file():
        return False
    try:
        content = parse_json(path.read_bytes() or b'{"job_id": ""}')
    except ValueError:
        return False
    return isinstance(content, dict) and "job_id" in content


def job_document(job: ComputeJob, status: JobStatus) -> dict[str, Any]:
    """Return a job and its status, for people and for JSON."""
    return {
        "job_id": job.job_id,
        "did": job.did,
        "state": status.state.value,
        "status": status.text.strip(),
        "environment": status.environment,
    }


def said(seen: JobStatus) -> str:
    """Return a status on one line."""
    words = f"{seen.state.value}: {one_line(seen.text)}"
    return f"{words}, {seen.algorithm_end}" if seen.algorithm_end else words


def job_times(job: ComputeJob, status: JobStatus) -> dict[str, Any]:
    """Return the rest of what is known of a job, for JSON."""
    return {
        "code": status.code,
        "is_finished": status.is_finished,
        "succeeded": status.succeeded,
        "created_s": status.created_s,
        "finished_s": status.finished_s,
        "stop_requested": status.stop_requested,
        "exit_code": status.exit_code,
        "oom_killed": status.oom_killed,
        "owner": job.owner,
        "order_tx": job.order_tx,
        "metadata": job.metadata,
    }
