"""What a generation does not offer says so; what it does not promise is a test of the others."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from ocean_lib.exceptions import NotOffered
from tests.contract.worlds import WORLDS, Consumer, World


def test_what_is_not_offered_says_so_and_sends_nothing(world: World, consumer: Consumer) -> None:
    job = consumer.finished()
    world.count("any")

    for call in world.not_offered.values():
        with pytest.raises(NotOffered):
            call(job)

    assert world.happened() == 0


@pytest.mark.parametrize("name", WORLDS)
def test_what_is_not_promised_is_a_test_of_another_generation(name: str) -> None:
    others = [other for other in WORLDS if other != name]
    modules = [
        importlib.import_module(f"tests.contract.{path.stem}")
        for path in Path(__file__).parent.glob("test_*.py")
    ]

    for test in WORLDS[name].not_promised:
        assert any(hasattr(module, test) for module in modules), test
        assert any(test not in WORLDS[other].not_promised for other in others), test
