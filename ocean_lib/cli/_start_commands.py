"""`check` and `start`, which take the same arguments."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ocean_lib.base.text_files import read_text, why_unreadable
from ocean_lib.cli._assets import data_token_of, index_of, newest_order
from ocean_lib.cli._exit_codes import CommandError, ExitCode
from ocean_lib.cli._findings import show_findings
from ocean_lib.cli._options import client_options, owner_option
from ocean_lib.cli._session import Session, pass_session
from ocean_lib.cli._values import DID, ORDER
from ocean_lib.cli._which_job import WhichJob, job_file_option, writable_job_file
from ocean_lib.exceptions import AssetNotFound, ContractNotFound, NoComputeService
from ocean_lib.models.algorithm_metadata import container_faults

if TYPE_CHECKING:
    from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
    from ocean_lib.models.compute_input import ComputeInput
    from ocean_lib.ocean.compute_job import ComputeJob
    from ocean_lib.web3_internal.signer import Signer


@dataclass(frozen=True)
class _Lookup:
    """Looks up what was not typed."""

    session: Session
    address: str
    strict: bool

    def index(self, did: str, service_type: str | None) -> int:
        """Return the index of a service; 0 if there is none and nobody minds."""
        try:
            return index_of(self.session.ocean.assets.resolve(did), None, service_type)
        except (AssetNotFound, NoComputeService):
            if self.strict:
                raise
            return 0

    def order(self, did: str, index: int) -> str | None:
        """Return the newest order; None if there is none and nobody minds."""
        try:
            return newest_order(self.session.ocean, did, index, self.address)
        except (CommandError, ContractNotFound):
            if self.strict:
                raise
            return None


@dataclass(frozen=True)
class Plan:
    """What to run on what, as it was typed.

    Attributes:
        dids: the data sets, the main one first.
        orders: their orders, in the same sequence; those that are missing are looked up.
        services: the indexes of their services, in the same sequence.
        algorithm: the DID of a published algorithm.
        algorithm_order: its order.
        code: the file of an algorithm that is not published.
        container: image, tag and entrypoint for that.
    """

    dids: tuple[str, ...]
    orders: tuple[str, ...]
    services: tuple[int, ...]
    algorithm: str | None
    algorithm_order: str | None
    code: Path | None
    container: dict[str, str | None]

    def __post_init__(self) -> None:
        if (self.algorithm is None) == (self.code is None):
            raise click.UsageError("Give --algorithm DID or --code FILE, one of them.")
        for name, given in (("--order", self.orders), ("--service", self.services)):
            if len(given) > len(self.dids):
                raise click.UsageError(f"There are more {name} than data sets.")
        typed = [f"--{name}" for name, value in self.container.items() if value is not None]
        missing = [
            f"--{name}" for name, value in self.container.items() if not (value or "").strip()
        ]
        if self.code is None and typed:
            raise click.UsageError(f"{', '.join(typed)} can only go with --code.")
        if self.code is not None and missing:
            raise click.UsageError(f"--code needs {', '.join(missing)} too.")
        if self.algorithm is None and self.algorithm_order is not None:
            raise click.UsageError("--algorithm-order can only go with --algorithm.")

    def check_code(self) -> None:
        """Refuse code of one's own that no back end would run."""
        if self.code is not None:
            for fault in container_faults(self.container).values():
                raise click.UsageError(f"{self.code} cannot be run. {fault}")

    def arguments(self, session: Session, wallet: Signer, *, strict: bool) -> dict[str, Any]:
        """Return the arguments of `OceanCompute.submit` and `check`.

        Args:
            session: the run.
            wallet: the consumer's.
            strict: fail where an order or a service is missing; else `check` is left to tell.

        Raises:
            CommandError: something is not ordered.
        """
        look = _Lookup(session, wallet.address, strict)
        found: dict[str, Any] = {
            "input_datasets": [self._input(look, place) for place in range(len(self.dids))],
            "consumer_wallet": wallet,
            "algorithm_meta": self._raw_algorithm(),
        }
        if self.algorithm is not None:
            order = self.algorithm_order
            if order is None:
                order = look.order(self.algorithm, look.index(self.algorithm, "access"))
            found |= {
                "algorithm_did": self.algorithm,
                "algorithm_tx_id": order,
                "algorithm_data_token": data_token_of(self.algorithm),
            }
        return found

    def _input(self, look: _Lookup, place: int) -> ComputeInput:
        from ocean_lib.models.compute_input import ComputeInput

        did = self.dids[place]
        if place < len(self.services):
            index = self.services[place]
        else:
            # Only further data sets may come in through an access service.
            index = look.index(did, None if place else "compute")
        order = self.orders[place] if place < len(self.orders) else look.order(did, index)
        return ComputeInput(did, order or look.session.ocean.compute.NOT_ORDERED, index)

    def _raw_algorithm(self) -> AlgorithmMetadata | None:
        if self.code is None:
            return None
        from ocean_lib.models.algorithm_metadata import AlgorithmMetadata

        try:
            text = read_text(self.code)
        except (OSError, ValueError) as error:
            fault = why_unreadable(error)
            raise click.BadParameter(f"{self.code} cannot be read: {fault}.") from None
        return AlgorithmMetadata(
            {
                "rawcode": text,
                "language": self.code.suffix.removeprefix("."),
                "format": "docker-image",
                "version": "0.1",
                "container": self.container,
            }
        )


def plan_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command take what to run on what, and give it a `Plan`."""

    def gathered(*args: Any, **options: Any) -> Any:
        container = {name: options.pop(name) for name in ("image", "tag", "entrypoint")}
        names = ("dids", "orders", "services", "algorithm", "algorithm_order", "code")
        typed = {name: options.pop(name) for name in names}
        return command(*args, plan=Plan(container=container, **typed), **options)

    gathered.__name__ = command.__name__
    gathered.__doc__ = command.__doc__
    gathered.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    decorated: Callable[..., Any] = gathered
    for option in reversed(_PLAN_OPTIONS):
        decorated = option(decorated)
    return decorated


_PLAN_OPTIONS: tuple[Callable[[Callable[..., Any]], Callable[..., Any]], ...] = (
    click.argument("dids", metavar="DATASET...", type=DID, nargs=-1, required=True),
    click.option("--algorithm", metavar="DID", type=DID, help="A published algorithm."),
    click.option(
        "--order",
        "orders",
        metavar="TX",
        type=ORDER,
        multiple=True,
        help="The data set's order; of several, in their sequence.  [default: the newest]",
    ),
    click.option(
        "--algorithm-order",
        metavar="TX",
        type=ORDER,
        help="The algorithm's order.  [default: the newest]",
    ),
    click.option(
        "--service",
        "services",
        type=click.IntRange(0),
        multiple=True,
        help="The data set's service, by its index.  [default: its compute service]",
    ),
    click.option(
        "--code",
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="An algorithm of your own, sent along, in place of a published one.",
    ),
    click.option("--image", metavar="NAME", help="For --code: the container's image."),
    click.option("--tag", metavar="TAG", help="For --code: the image's tag."),
    click.option("--entrypoint", metavar="COMMAND", help="For --code: such as 'python3 $ALGO'."),
)


@click.command(short_help="Tell, before starting, what the Provider would refuse.")
@plan_options
@owner_option
@client_options
@pass_session
def check(session: Session, plan: Plan) -> ExitCode:
    """Tell, without starting anything, what the Provider would refuse, and how to mend it.

    Takes the arguments of `start`, and signs nothing, so that no password is asked for. What is
    not ordered yet is one finding among the others. The exit status is 5 if the job would be
    refused, and 6 if something could not be looked at.
    """
    arguments = plan.arguments(session, session.watcher(), strict=False)
    findings = session.ocean.compute.check(**arguments)
    return show_findings(session, findings)


@click.command(short_help="Start a job on data that is ordered.")
@plan_options
@job_file_option
@client_options
@pass_session
def start(session: Session, plan: Plan, job_file: Path | None) -> None:
    """Start a job on data that is ordered.

    DATASET is a DID; further ones are further inputs. Orders that are not given are looked up
    on the chain: the wallet's newest.
    """
    plan.check_code()
    with nullcontext() if job_file is None else writable_job_file(job_file) as write:
        session.agree_to_provider(plan.dids[0])
        arguments = plan.arguments(session, session.wallet, strict=True)
        maybe = "Interrupted. The job may have started: `ocean-compute jobs` tells."
        with session.interruptible(maybe):
            job = session.ocean.compute.submit(**arguments)
        if write is not None:
            _remember(job, write, str(job_file))
    kept = {"job_file": str(job_file)} if job_file is not None else {}
    session.out.fields(
        {"job_id": job.job_id, "did": job.did, **kept},
        also={"owner": job.owner, "order_tx": job.order_tx},
    )
    words = WhichJob(job.job_id, "", job_file).words
    session.out.say(f"Wait for it: ocean-compute wait {words}")


def _remember(job: ComputeJob, write: Callable[[ComputeJob], None], file: str) -> None:
    try:
        write(job)
    except OSError as error:
        words = WhichJob(job.job_id, job.did, None).words
        raise CommandError(
            f"Job {job.job_id} was started, but the job file {file} could not be written: "
            f"{error.strerror}. Wait for it: ocean-compute wait {words}",
            ExitCode.ERROR,
            job_id=job.job_id,
            did=job.did,
        ) from None
