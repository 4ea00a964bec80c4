"""What the network needs of a dialect, and what a dialect gets of the network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from flask import Flask, Request, Response

from ocean_lib.localnet.chain import ChainClient
from ocean_lib.localnet.contracts import OceanContracts
from ocean_lib.localnet.faults import Faults, Operation
from ocean_lib.localnet.files.access import FileAccess
from ocean_lib.localnet.jobs.engine import JobEngine
from ocean_lib.localnet.jobs.provisioning import JobLayout
from ocean_lib.localnet.jobs.store import JobStore
from ocean_lib.localnet.state.database import Database
from ocean_lib.localnet.state.files import NetworkKeys


@dataclass(frozen=True)
class NetworkParts:
    """What a dialect's servers work with.

    Attributes:
        chain: Where orders and publications are.
        contracts: The contracts on it.
        keys: The network's keys.
        network_url: The chain's RPC URL, as everybody may see it.
        database: Keeps nonces, documents and jobs, and joins them into one transaction.
        files: Reads what assets name.
        jobs: The jobs.
        engine: Runs them.
        max_jobs: How many may wait or run.
        faults: Whether results are withheld.
        base_url: Returns where results are served.
    """

    chain: ChainClient
    contracts: OceanContracts
    keys: NetworkKeys
    network_url: str
    database: Database
    files: FileAccess
    jobs: JobStore
    engine: JobEngine
    max_jobs: int
    faults: Faults
    base_url: Callable[[], str]


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
    def layout(self) -> JobLayout:
        """What lies where in a job's folder, and what its algorithm is told."""

    def serve(self, parts: NetworkParts) -> Servers:
        """Build the servers over a network's parts."""
