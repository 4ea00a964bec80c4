"""An asset as a back end reads it: in the same words for every generation of Ocean's documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ocean_lib.checks import printable
from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.documents.format import ALGORITHM
from ocean_lib.exceptions import NoComputeService

ADDRESS, ACCESS_LIST = "address", "accesslist"
EVERY = "*"


@dataclass(frozen=True)
class CredentialRule:
    """One entry of an allow or deny list.

    Attributes:
        type: `address`, `accesslist`, or what else the document says; in lower case.
        values: of type `address`: addresses in lower case, or `*` for everybody.
        access_list: of type `accesslist`: the address of the contract whose members are meant; ''
            where the document names none.
    """

    type: str
    values: tuple[str, ...] = ()
    access_list: str = ""


@dataclass(frozen=True)
class Credentials:
    """Who may use an asset, or one of its services.

    Attributes:
        allow: if not empty, only who fits these.
        deny: not who fits these.
        match_allow: `all` or `any` of the allow list must fit; '' where the document does not say.
        match_deny: likewise of the deny list.
    """

    allow: tuple[CredentialRule, ...] = ()
    deny: tuple[CredentialRule, ...] = ()
    match_allow: str = ""
    match_deny: str = ""


@dataclass(frozen=True)
class TrustedAlgorithm:
    """One entry of a list of trusted algorithms; `*` fits everything.

    Attributes:
        did: the algorithm.
        files_checksum: of its files, as they were when it was trusted; '' where none is recorded.
        container_checksum: of its container, likewise.
        service_id: of its service; None where the entry names none.
    """

    did: str
    files_checksum: str = ""
    container_checksum: str = ""
    service_id: str | None = None


@dataclass(frozen=True)
class ComputeRules:
    """Which algorithms a compute service lets run, and how.

    Attributes:
        trusted_algorithms: these by name.
        trusted_publishers: in V3 the addresses of publishers; later the addresses of algorithms'
            NFTs, in lower case, or `*`.
        allow_raw: whether unpublished code may run.
        allow_network: whether algorithms may use the network.
        allow_all: whether every published algorithm may run (V3 only).
    """

    trusted_algorithms: tuple[TrustedAlgorithm, ...] = ()
    trusted_publishers: tuple[str, ...] = ()
    allow_raw: bool = False
    allow_network: bool = False
    allow_all: bool = False


@dataclass(frozen=True)
class ServiceView:
    """One service of an asset.

    Attributes:
        id: what names it: the text of its id, in V3 of its index.
        index: in V3 as written, later its place in the list from 0, by which it is ordered.
        type: `access`, `compute`, or another.
        endpoint: the back end's URL; '' if none is named.
        datatoken: the address of the token that it is ordered with.
        timeout_s: for how long an order may be used, in seconds; 0 for ever.
        files: the encrypted list of its files.
        name: for people.
        compute: its rules; None unless it is a compute service that has some.
        credentials: who may use it, besides what the asset says.
        parameters: what the consumer may or must set: each a dict with `name`, `type`, `required`,
            `default` and more.
    """

    id: str
    index: int
    type: str
    endpoint: str
    datatoken: str
    timeout_s: int
    files: str
    name: str = ""
    compute: ComputeRules | None = None
    credentials: Credentials = field(default_factory=Credentials)
    parameters: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class AlgorithmView:
    """What runs, of a published algorithm.

    Attributes:
        language: its programming language.
        version: its version.
        container: `entrypoint`, `image`, `tag` and `checksum`, as far as the document has them.
        parameters: as in `ServiceView`.
    """

    language: str
    version: str
    container: Mapping[str, str]
    parameters: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class AssetView:
    """One asset, read.

    Attributes:
        did: its DID.
        version: of the document: `1` for V3's, or what it says (`4.1.0`, `5.0.0`).
        type: `dataset` or `algorithm`, or what else the document says.
        name: for people.
        chain_id: the chain that it was published on; None in V3.
        nft_address: of its NFT; '' in V3.
        owner: who can change it, as the indexer saw it; '' if that is not told.
        state: of the NFT: 0 active, 1 end of life, 2 deprecated, 3 revoked, 4 ordering disabled, 5
            unlisted; None if that is not told.
        services: what can be ordered, in the order of the document.
        credentials: who may use it.
        algorithm: None unless it is an algorithm.
        document: as it came; do not change it.
    """

    did: str
    version: str
    type: str
    name: str
    chain_id: int | None
    nft_address: str
    owner: str
    state: int | None
    services: tuple[ServiceView, ...]
    credentials: Credentials
    algorithm: AlgorithmView | None
    document: Mapping[str, Any] = field(repr=False, compare=False)

    @property
    def is_algorithm(self) -> bool:
        """Whether it is an algorithm."""
        return self.type == ALGORITHM

    @property
    def datatoken(self) -> str:
        """The address of its first service's datatoken; '' if it has no service."""
        return self.services[0].datatoken if self.services else ""

    def service(self, service_id: int | str) -> ServiceView:
        """Return a service by its id, or by its index.

        Raises:
            NoComputeService: there is none; the message lists those that there are.
        """
        found = [s for s in self.services if s.id == service_id]
        if not found and str(service_id).isdecimal():
            found = [s for s in self.services if s.index == int(service_id)]
        if found:
            return found[0]
        offered = ", ".join(f"{s.index}: {s.type} ({printable(s.id)})" for s in self.services)
        raise NoComputeService(
            f"{self.did} has no service {printable(service_id)}; it has {offered or 'none'}."
        )

    def first(self, *types: str) -> ServiceView:
        """Return the first service of the first of these types that there is.

        Args:
            types: in the order of preference; none for compute, then access.

        Raises:
            NoComputeService: there is none.
        """
        wanted = types or (ServiceTypes.CLOUD_COMPUTE, ServiceTypes.ASSET_ACCESS)
        for kind in wanted:
            for service in self.services:
                if service.type == kind:
                    return service
        offered = ", ".join(service.type for service in self.services) or "none"
        raise NoComputeService(
            f"{self.did} has no {' or '.join(wanted)} service; its services are: {offered}."
        )
