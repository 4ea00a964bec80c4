"""A job as it is typed: data, algorithm, orders, resources; what is left out is looked up."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ocean_lib.base.text_files import read_text, why_unreadable
from ocean_lib.checks import is_token_did
from ocean_lib.cli.errors import CommandError, ExitCode
from ocean_lib.cli.languages import container_of, language_of
from ocean_lib.cli.session import Session
from ocean_lib.exceptions import AssetNotFound, ContractNotFound, NoComputeService
from ocean_lib.models.algorithm_metadata import container_faults

if TYPE_CHECKING:
    from ocean_lib.assets.asset import Asset
    from ocean_lib.common.ddo.service import Service
    from ocean_lib.jobs.plan import Algorithm, JobPlan
    from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
    from ocean_lib.models.compute_input import ComputeInput
    from ocean_lib.models.file_input import FileInput
    from ocean_lib.ocean.ocean import Ocean
    from ocean_lib.web3_internal.signer import Signer


@dataclass(frozen=True)
class _Lookup:
    """Looks up what was not typed."""

    session: Session
    address: str
    strict: bool
    finds_orders: bool

    def index(self, did: str, service_type: str | None) -> int:
        """Return the index of a service; 0 if there is none, unless strict."""
        try:
            return index_of(self.session.ocean.assets.resolve(did), None, service_type)
        except (AssetNotFound, NoComputeService):
            if self.strict:
                raise
            return 0

    def order(self, did: str, index: int) -> str | None:
        """Return the newest order; None if there is none, unless strict."""
        if not self.finds_orders:
            return None
        try:
            return newest_order(self.session.ocean, did, index, self.address)
        except (CommandError, ContractNotFound):
            if self.strict:
                raise
            return None


@dataclass(frozen=True)
class TypedJob:
    """What to run on what, as it was typed.

    Attributes:
        data: the data sets, by DID, and files; the main one first. Files of this machine are for
            the embedded network.
        orders: the data sets' orders, in the same sequence; those that are missing are looked up.
        services: the indexes of their services, in the same sequence.
        algorithm: the DID of a published algorithm.
        algorithm_order: its order.
        code: the file of an algorithm that is not published.
        container: image, tag and entrypoint for that, as far as they were given.
        for_nodes: what only Ocean Nodes have, by the names of `JobPlan.given`.
    """

    data: tuple[str | FileInput | Path, ...]
    orders: tuple[str, ...]
    services: tuple[int, ...]
    algorithm: str | None
    algorithm_order: str | None
    code: Path | None
    container: Mapping[str, str | None]
    for_nodes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.algorithm is None) == (self.code is None):
            raise click.UsageError("Give --algorithm DID or --code FILE, one of them.")
        if not (self.data or self.for_nodes["environment"]):
            raise click.UsageError(
                "Say on which data; or give --environment, for a job at an Ocean Node without any."
            )
        for name, given in (("--order", self.orders), ("--service", self.services)):
            if len(given) > len(self.dids):
                raise click.UsageError(f"There are more {name} than data sets.")
        typed = [f"--{name}" for name, value in self.container.items() if value is not None]
        if self.code is None and typed:
            raise click.UsageError(f"{', '.join(typed)} can only go with code of your own.")
        if self.algorithm is None and self.algorithm_order is not None:
            raise click.UsageError("--algorithm-order can only go with a published algorithm.")

    @property
    def dids(self) -> list[str]:
        """The data sets among the data."""
        return [one for one in self.data if isinstance(one, str)]

    @property
    def is_free(self) -> bool:
        """Whether nothing of it is published, so that nothing can be ordered."""
        return not self.dids and self.algorithm is None

    def check_code(self) -> None:
        """Refuse code of one's own that no back end would run."""
        if self.code is not None:
            for fault in container_faults(container_of(self.code, **self.container)).values():
                raise click.UsageError(f"{self.code} cannot be run. {fault}")

    def plan(
        self, session: Session, wallet: Signer, *, strict: bool, finds_orders: bool = True
    ) -> JobPlan:
        """Return the plan of the job.

        Args:
            session: the run.
            wallet: the consumer's.
            strict: fail where an order or a service is missing; else `check` is left to tell.
            finds_orders: look up orders that are not given; else they count as missing.

        Raises:
            CommandError: something is not ordered.
        """
        from ocean_lib.jobs.plan import JobPlan

        look = _Lookup(session, wallet.address, strict, finds_orders)
        places = itertools.count()
        inputs = [
            self._input(look, next(places)) if isinstance(one, str) else _file(session, one)
            for one in self.data
        ]
        return JobPlan.given(inputs, wallet, self._algorithm(look), **self.for_nodes)

    def _algorithm(self, look: _Lookup) -> Algorithm:
        from ocean_lib.jobs.plan import Algorithm

        if self.algorithm is None:
            return Algorithm.given(None, self._own_code(), None, None)
        order = self.algorithm_order
        if not is_token_did(self.algorithm):  # at a node; what is missing is found when it is paid
            return Algorithm.given(self.algorithm, None, order, None)
        if order is None:
            order = look.order(self.algorithm, look.index(self.algorithm, "access"))
        return Algorithm.given(self.algorithm, None, order, data_token_of(self.algorithm))

    def _input(self, look: _Lookup, place: int) -> ComputeInput:
        from ocean_lib.models.compute_input import ComputeInput

        did = self.dids[place]
        if place < len(self.services):
            index = self.services[place]
        else:
            # At a V3 Provider only further data sets may come in through an access service.
            is_any = place or not is_token_did(did)
            index = look.index(did, None if is_any else "compute")
        if place < len(self.orders):
            order: str | None = self.orders[place]
        else:
            order = look.order(did, index) if is_token_did(did) else None
        return ComputeInput(did, order or look.session.ocean.compute.NOT_ORDERED, index)

    def _own_code(self) -> AlgorithmMetadata | None:
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
                "language": language_of(self.code),
                "format": "docker-image",
                "version": "0.1",
                "container": container_of(self.code, **self.container),
            }
        )


def _file(session: Session, file: FileInput | Path) -> FileInput:
    """Return a file as a node fetches it; one of this machine is given to the embedded network."""
    if not isinstance(file, Path):
        return file
    from ocean_lib.documents.description import FileEntry
    from ocean_lib.documents.local_files import LocalFiles
    from ocean_lib.models.file_input import FileInput

    (url,) = LocalFiles(session.config).urls_of([FileEntry("", file, None, file.name, "")])
    return FileInput(url=url)


def service_of(asset: Asset, index: int | None, service_type: str | None = None) -> Service:
    """Return the service that is meant: of this index or type; else compute, else access.

    Raises:
        NoComputeService: there is none.
    """
    from ocean_lib.backends.v3.rules import service_meant

    return service_meant(asset, index, (service_type,) if service_type else ("compute", "access"))


def index_of(asset: Asset, index: int | None, service_type: str | None = None) -> int:
    """Return the index of the service that is meant, see `service_of`."""
    return int(service_of(asset, index, service_type).index or 0)


def newest_order(ocean: Ocean, did: str, index: int, address: str) -> str:
    """Return the newest order of a service that this account may use.

    Raises:
        CommandError: there is none.
    """
    orders = ocean.get_user_orders(address, data_token_of(did), index)
    own = [order for order in orders if order.consumer.lower() == address.lower()]
    if not own:
        raise CommandError(
            f"{address} has no order of service {index} of {did}. "
            f"Order it: ocean-compute order {did} --service {index}",
            ExitCode.NOT_FOUND,
        )
    return str(own[-1].transactionId)


def data_token_of(did: str) -> str:
    """Return the address of an asset's data token, which is in its DID.

    Raises:
        InvalidDid: it is not a DID of Ocean V3.
    """
    from ocean_lib.checks import check_did
    from ocean_lib.models.metadata import data_token_of as address_of

    return str(address_of(check_did(did)))
