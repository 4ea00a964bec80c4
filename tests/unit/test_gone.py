"""What ocean.py had and this library leaves out says so, and what to use, wherever it is used."""

from __future__ import annotations

import importlib
import importlib.util
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest

from ocean_lib import Config, DataToken, Ocean
from ocean_lib.base.gone import ATTRIBUTES, MODULES
from ocean_lib.models.dtfactory import DTFactory
from ocean_lib.models.metadata import MetadataContract
from ocean_lib.web3_internal.contract_base import ContractBase

ADDRESS = "0x" + "1" * 40
DOCUMENT = (Path(__file__).parents[2] / "MIGRATING.md").read_text(encoding="utf-8")
KINDS: dict[str, Any] = {
    "Ocean": lambda: Ocean(Config(options_dict={"eth-network": {"network": "http://127.0.0.1:9"}})),
    "ContractBase": lambda: DTFactory(ADDRESS),
    "DataToken": lambda: DataToken(ADDRESS),
    "DTFactory": lambda: DTFactory(ADDRESS),
    "MetadataContract": lambda: MetadataContract(ADDRESS),
}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_that_is_left_out_says_what_to_use(name):
    with pytest.raises(ImportError) as caught:
        importlib.import_module(name)

    said = str(caught.value)
    assert "is not part of ocean-compute. " + MODULES[name] in said
    assert "MIGRATING.md" in said
    assert name.rpartition(".")[2] in DOCUMENT


def test_the_classes_of_pools_and_exchanges_are_not_found_either():
    with pytest.raises(ImportError, match=r"Pools, exchanges and dispensers are left out.*buy"):
        from ocean_lib.models.bpool import BPool  # noqa: F401


def test_what_lay_below_a_package_that_is_left_out_says_so_too():
    with pytest.raises(ImportError, match="get_web3_connection_provider"):
        importlib.import_module("ocean_lib.web3_internal.web3_overrides.http_provider")


def test_any_other_missing_module_is_missing_as_ever():
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'ocean_lib\.nothing'"):
        importlib.import_module("ocean_lib.nothing")
    assert importlib.util.find_spec("ocean_lib.nothing") is None


def test_importing_it_again_adds_no_second_finder():
    import ocean_lib

    before = len(sys.meta_path)
    importlib.reload(ocean_lib)

    assert len(sys.meta_path) == before


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in ATTRIBUTES.items() for name in names]
)
def test_an_attribute_that_is_left_out_says_what_to_use(kind, name):
    thing = KINDS[kind]()

    with pytest.raises(AttributeError) as caught:
        getattr(thing, name)

    assert ATTRIBUTES[kind][name] in str(caught.value)
    assert not hasattr(thing, name)


def test_an_attribute_that_never_was_is_missing_as_ever():
    with pytest.raises(AttributeError, match=r"'DataToken' object has no attribute 'moo'\.$"):
        DataToken(ADDRESS).moo  # noqa: B018
    with pytest.raises(AttributeError, match=r"'Ocean' object has no attribute 'moo'\.$"):
        KINDS["Ocean"]().moo  # noqa: B018


def test_an_object_without_its_parts_does_not_ask_itself_for_ever():
    empty = DataToken.__new__(DataToken)

    with pytest.raises(AttributeError, match="_address"):
        ContractBase.address.fget(empty)  # type: ignore[attr-defined]


def test_an_ocean_still_refuses_to_be_pickled():
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(KINDS["Ocean"]())
