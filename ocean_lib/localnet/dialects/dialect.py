"""What the network needs of a dialect, and what a dialect gets of the network."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from flask import Flask, Request, Response

from ocean_lib.localnet.chain import ChainClient
from ocean_lib.localnet.faults import Faults, Operation
from ocean_lib.localnet.files.access import FileAccess
from ocean_lib.localnet.jobs.engine import JobEngine
from ocean_lib.localnet.jobs.provisioning import JobLayout
from ocean_lib.localnet.jobs.store import JobStore
from ocean_lib.localnet.state.database import Database
from ocean_lib.localnet.state.files import NetworkKeys


class Contracts(Protocol):
    """The contracts of one generation on a chain."""

    def as_address_file(self) -> Mapping[str, Mapping[str, Any]]:
        """Build the content of an address file, in the format of ocean-contracts."""


@dataclass(frozen=True)
class OnChain:
    """A chain, and what is on it.

    Attributes:
        client: Talks to it.
        url: Its RPC URL, as everybody may see it.
        contracts: The contracts of the network's generation.
    """

    client: ChainClient
    url: str
    contracts: Contracts


@dataclass(frozen=True)
class NetworkParts:
    """What a dialect's servers work with.

    Attributes:
        chain: Where orders, publications and payments are.
        keys: The network's keys.
        database: Keeps nonces, documents and jobs, and joins them into one transaction.
        files: Reads what assets name.
        jobs: The jobs.
        engine: Runs them.
        max_jobs: How many may wait or run.
        results_lifetime_s: How long results and logs are kept after a job's end.
        faults: Whether results are withheld.
        base_url: Returns where results are served.
        closing: Is set when the network stops: answers without an end then end.
    """

    chain: OnChain
    keys: NetworkKeys
    database: Database
    files: FileAccess
    jobs: JobStore
    engine: JobEngine
    max_jobs: int
    results_lifetime_s: float
    faults: Faults
    base_url: Callable[[], str]
    closing: threading.Event


class Servers(Protocol):
    """A dialect's REST side over one network: requests to job requests, jobs to documents."""

    @property
    def app(self) -> Flask:
        """The application with all routes."""

    @property
    def address(self) -> str:
        """The address by which the compute provider signs and is known."""

    def operation(self, request: Request) -> Operation | None:
        """Tell which operation a request is for, in the words of the faults."""

    def unavailable(self) -> Response:
        """Answer as a server that is away."""

    def move_nonce(self, request: Request) -> Callable[[], None] | None:
        """Return what moves the nonce of who signed a request; None if nobody did."""


class Dialect(Protocol):
    """How the servers of one generation talk."""

    @property
    def generation(self) -> str:
        """Its name, as users give it."""

    @property
    def threads(self) -> int:
        """How many requests are answered at the same time."""

    @property
    def layout(self) -> JobLayout:
        """What lies where in a job's folder, and what its algorithm is told."""

    def deploy(self, chain: ChainClient, keys: NetworkKeys) -> Contracts:
        """Deploy the generation's contracts, or find them again."""

    def serve(self, parts: NetworkParts) -> Servers:
        """Build the servers over a network's parts."""
