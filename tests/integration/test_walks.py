"""How far one warm call goes through our own code: files, functions, depth."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import ocean_lib
from ocean_lib.localnet import LocalNetwork
from ocean_lib.ocean.ocean import Ocean
from tests.flows import order, publish_dataset, raw_code

PACKAGE = str(Path(ocean_lib.__file__).parent)


@dataclass
class Walk:
    """What one call went through on the client's side."""

    files: set[str] = field(default_factory=set)
    functions: set[tuple[str, int]] = field(default_factory=set)
    depth: int = 0
    deepest: int = 0

    def step(self, frame: Any, event: str, _: Any) -> None:
        code = frame.f_code
        is_ours = code.co_filename.startswith(PACKAGE) and "/localnet/" not in code.co_filename
        if not is_ours or event not in ("call", "return"):
            return
        if event == "return":
            self.depth -= 1
            return
        self.depth += 1
        self.deepest = max(self.deepest, self.depth)
        self.files.add(code.co_filename)
        self.functions.add((code.co_filename, code.co_firstlineno))


def walk_of(act: Callable[[], Any]) -> Walk:
    act()  # warm
    walk = Walk()
    sys.setprofile(walk.step)
    try:
        act()
    finally:
        sys.setprofile(None)
    return walk


@pytest.fixture(scope="module")
def calls() -> Iterator[dict[str, Callable[[], Any]]]:
    with LocalNetwork() as network:
        ocean, publisher, consumer = Ocean(network.config), network.wallet(0), network.wallet(1)
        data = publish_dataset(ocean, network, publisher, "1\n", raw=True)
        inputs = [order(ocean, data, "compute", publisher, consumer)]
        compute, code = ocean.compute, raw_code("print(1)")
        job_id = compute.start(inputs, consumer, algorithm_meta=code)
        # The status of a job that has ended says the most, and takes the longest way.
        compute.job(inputs[0].did, job_id, consumer).wait(progress=False)
        yield {
            "status": lambda: compute.status(inputs[0].did, job_id, consumer),
            "start": lambda: compute.start(inputs, consumer, algorithm_meta=code),
        }


@pytest.mark.parametrize(
    ("name", "files", "functions", "depth"), [("status", 12, 35, 9), ("start", 18, 60, 11)]
)
def test_a_warm_call_goes_no_further_than_this(
    calls: dict[str, Callable[[], Any]], name: str, files: int, functions: int, depth: int
) -> None:
    walk = walk_of(calls[name])

    assert len(walk.files) <= files
    assert len(walk.functions) <= functions
    assert walk.deepest <= depth
