"""Each test of the contract, on each generation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.worlds import WORLDS, Consumer, World


@pytest.fixture(scope="package", params=WORLDS)
def _world(request: pytest.FixtureRequest) -> Iterator[World]:
    with WORLDS[request.param]() as world:
        yield world


@pytest.fixture
def world(_world: World, request: pytest.FixtureRequest) -> Iterator[World]:
    """The world of a generation; nothing goes wrong in it until the test says so."""
    why_not = _world.not_promised.get(request.node.originalname)
    if why_not is not None:
        pytest.skip(f"{type(_world).__name__} does not promise it: {why_not}")
    _world.go_wrong()
    yield _world
    _world.go_wrong()


@pytest.fixture
def consumer(world: World) -> Consumer:
    """Somebody without a job yet."""
    return world.consumer()
