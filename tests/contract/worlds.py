"""The worlds that the contract is tested in: one for each generation of back ends.

A world runs a network of its generation and gives consumers who may compute there. All that a
test does beyond that is the public API, with faults that every dialect of the network knows. A
new generation is one more class here and one more entry of `WORLDS`; what it does not promise is
in its `not_promised`, with the reason.
"""

from __future__ import annotations

import itertools
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

from ocean_lib.config import Config
from ocean_lib.exceptions import EnvironmentUnavailable, OceanError, WorkflowRefused
from ocean_lib.localnet import LocalNetwork
from ocean_lib.localnet.faults import Delay, Fault, Operation
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
from ocean_lib.models.file_input import FileInput
from ocean_lib.ocean.compute_job import ComputeJob
from ocean_lib.ocean.ocean import Ocean
from ocean_lib.ocean.ocean_compute import OceanCompute
from ocean_lib.web3_internal.signer import Signer
from ocean_lib.web3_internal.wallet import Wallet
from tests import flows

RUNNER = os.environ.get("OCEAN_RUNNER") or None
"""The runner that all worlds use; the usual one without the variable."""
FOREVER = "import time\nprint('running', flush=True)\ntime.sleep(600)\n"
PLACES = """
import os, pathlib
inputs = pathlib.Path(os.environ.get("INPUTS", "/data/inputs"))
outputs = pathlib.Path(os.environ.get("OUTPUTS", "/data/outputs"))
"""
"""How an algorithm finds its folders on every generation."""
DATA = "1,2\n"
JobCall = Callable[[ComputeJob], Any]
_RUNS = 40
_ONLY_V3_WITHHOLDS = "only a V3 Provider answers 200 without results; a node says why not"
REPORT = f"""{PLACES}
import json
files = [p for p in inputs.rglob("*") if p.is_file() and p.name != "algoCustomData.json"]
numbers = [int(number) for path in files for number in path.read_text().split(",")]
(outputs / "report.json").write_text(json.dumps({{"sum": sum(numbers)}}))
(outputs / "table.csv").write_text("a,b")
print("summed", len(numbers), "numbers")
"""


@dataclass(frozen=True)
class Consumer:
    """Somebody with a wallet and with data to compute on, and without a job yet.

    Attributes:
        world: where.
        wallet: nobody else's.
        inputs: what `submit` takes first.
        algorithm: makes the arguments of `submit` that send code along.
        arguments: more arguments of `submit`.
    """

    world: World
    wallet: Signer
    inputs: list[Any]
    algorithm: Callable[[str], dict[str, Any]]
    arguments: dict[str, Any] = field(default_factory=dict)

    def compute(self, **resources: object) -> OceanCompute:
        """Return a client that knows nothing yet, with these options of [resources]."""
        return self.world.ocean(**resources).compute

    def submit(self, code: str = REPORT, compute: OceanCompute | None = None) -> ComputeJob:
        """Start a job with a client, or a new one."""
        return (compute or self.compute()).submit(
            self.inputs, self.wallet, **self.algorithm(code), **self.arguments
        )

    def finished(self, code: str = REPORT) -> ComputeJob:
        """Start a job and wait for its end."""
        job = self.submit(code)
        job.wait(timeout=60)
        return job

    def job_ids(self) -> list[str]:
        """Return what jobs the back end has, as it tells a client that knows nothing."""
        return [job.job_id for job in self.compute().jobs(self.wallet)]

    def stop_all(self) -> None:
        """Leave no job running."""
        for job in self.compute().jobs(self.wallet):
            job.stop()


class World(ABC):
    """A network of one generation, and who computes there.

    Attributes:
        network: the network.
        not_promised: tests of the contract that are not for this generation, and why.
        not_offered: calls of a job that raise `NotOffered` here.
        signed_calls: calls of a running job that are signed, each with one request.
        refusal: the error for a start that `refused` consumers send.
    """

    network: LocalNetwork
    not_promised: ClassVar[Mapping[str, str]] = {}
    not_offered: ClassVar[Mapping[str, JobCall]] = {}
    signed_calls: ClassVar[Mapping[str, JobCall]]
    refusal: ClassVar[type[OceanError]] = WorkflowRefused

    def __enter__(self) -> World:
        self.network.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.network.stop()

    def ocean(self, **resources: object) -> Ocean:
        """Return a client that knows nothing yet, with these options of [resources]."""
        options = self.network.options
        options["resources"] |= {name: str(value) for name, value in resources.items()}
        return Ocean(Config(options_dict=options))

    def go_wrong(self, *faults: Fault) -> None:
        """Set the faults of the back end."""
        self.network.faults.set(*faults)

    def happened(self) -> int:
        """Return how often the faults that are set happened."""
        return len(self.network.faults.happened)

    def count(self, operation: Operation) -> None:
        """Let `happened` tell how often the back end is asked for this from now on."""
        self.go_wrong(Delay(operation, seconds=0))

    def listed(self, *names: str) -> set[str]:
        """Return under which names the list of a job's files has these results."""
        return set(names)

    @abstractmethod
    def consumer(
        self, *, data: str = DATA, url: str | None = None, max_run_time_s: int = 60
    ) -> Consumer:
        """Return a new consumer of some data.

        Args:
            data: what it is.
            url: where it lies, in place of `data`.
            max_run_time_s: how long a job on it may run.
        """

    @abstractmethod
    def refused(self) -> Consumer:
        """Return a new consumer whose starts the back end refuses."""


class V3World(World):
    """A V3 Provider: data sets are published and ordered, raw code is sent along."""

    signed_calls: ClassVar[Mapping[str, JobCall]] = {
        "result": ComputeJob.result,
        "logs": ComputeJob.logs,
        "stop": ComputeJob.stop,
    }

    def __init__(self) -> None:
        self.network = LocalNetwork(jobs_at_once=4, account_count=100, runner=RUNNER)
        self._accounts = itertools.count(1)

    @cached_property
    def _seller(self) -> tuple[Ocean, Wallet]:
        return self.ocean(), self.network.wallet(0)

    @cached_property
    def _open(self) -> Any:
        return self._publish(DATA, raw=True)

    @cached_property
    def _closed(self) -> Any:
        return self._publish(DATA, raw=False)

    def consumer(
        self, *, data: str = DATA, url: str | None = None, max_run_time_s: int = 60
    ) -> Consumer:
        if (data, url, max_run_time_s) == (DATA, None, 60):
            return self._consumer_of(self._open)
        return self._consumer_of(
            self._publish(data, raw=True, url=url, max_run_time=max_run_time_s)
        )

    def refused(self) -> Consumer:
        return self._consumer_of(self._closed)

    def _publish(self, data: str, **options: Any) -> Any:
        ocean, wallet = self._seller
        return flows.publish_dataset(ocean, self.network, wallet, data, **options)

    def _consumer_of(self, asset: Any) -> Consumer:
        ocean, publisher = self._seller
        wallet = self.network.wallet(next(self._accounts))
        paid = flows.order(ocean, asset, "compute", publisher, wallet)
        return Consumer(self, wallet, [paid], raw_code)


def raw_code(code: str) -> dict[str, AlgorithmMetadata]:
    """Return the arguments of `submit` that send code along."""
    return {"algorithm_meta": flows.raw_code(code)}


def _follow(job: ComputeJob) -> str:
    """Read the first piece of the log of a job that runs, as soon as it does."""
    while job.status().code != _RUNS:
        pass
    return next(iter(job.logs(follow=True)))


class NodeWorld(World):
    """An Ocean Node: files are inputs, raw code is sent along, environments are free."""

    not_promised: ClassVar[Mapping[str, str]] = {
        "test_withheld_results_are_an_error_and_never_empty": _ONLY_V3_WITHHOLDS,
        "test_results_that_are_withheld_once_are_asked_for_again": _ONLY_V3_WITHHOLDS,
    }
    not_offered: ClassVar[Mapping[str, JobCall]] = {
        "result": ComputeJob.result,
        "delete": ComputeJob.delete,
    }
    signed_calls: ClassVar[Mapping[str, JobCall]] = {"follow": _follow, "stop": ComputeJob.stop}
    refusal: ClassVar[type[OceanError]] = EnvironmentUnavailable

    def __init__(self) -> None:
        self.network = LocalNetwork(
            generation="node", jobs_at_once=16, account_count=100, runner=RUNNER
        )
        self._accounts = itertools.count(1)

    @cached_property
    def _environment(self) -> str:
        return next(one.id for one in self.ocean().compute.environments() if one.is_free)

    def listed(self, *names: str) -> set[str]:
        return {"outputs.tar"}

    def consumer(
        self, *, data: str = DATA, url: str | None = None, max_run_time_s: int = 60
    ) -> Consumer:
        url = url or self.network.publish_file(data.encode(), "data.csv")
        wallet = self.network.wallet(next(self._accounts))
        arguments = {"environment": self._environment, "max_duration": max_run_time_s}
        return Consumer(self, wallet, [FileInput(url)], raw_code, arguments)

    def refused(self) -> Consumer:
        consumer = self.consumer()
        return replace(consumer, arguments={**consumer.arguments, "resources": {"ram": 4096}})


WORLDS: dict[str, type[World]] = {"v3": V3World, "node": NodeWorld}
"""What the whole contract is tested on."""
