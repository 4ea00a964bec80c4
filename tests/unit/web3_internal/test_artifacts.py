"""The contracts' ABIs and addresses: the library's own, a user's, and those the build packs."""

from __future__ import annotations

import hashlib
import json
import os
import re
import site
import subprocess
import sys
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import pytest
from web3 import Web3

import ocean_lib
from ocean_lib.config import Config
from ocean_lib.exceptions import ConfigError
from ocean_lib.models.data_token import DataToken
from ocean_lib.models.dtfactory import DTFactory
from ocean_lib.models.metadata import MetadataContract
from ocean_lib.web3_internal import contract_utils
from ocean_lib.web3_internal.artifacts import FOLDER
from ocean_lib.web3_internal.contract_utils import (
    get_contract_definition,
    get_contracts_addresses,
    load_contract,
)

CONTRACTS = [DataToken, DTFactory, MetadataContract]
NAMES = ["DataTokenTemplate", "DTFactory", "Metadata"]
ADDRESS = "0x02354A1F160A3fd7ac8b02ee91F04104440B28E7"
MINE = {"type": "function", "name": "mine", "inputs": [], "outputs": [], "stateMutability": "view"}


PACKED = Path(str(ocean_lib.__file__)).with_name("v3_contracts.json")
SETUP = Path(__file__).parents[3] / "setup.py"
ADDRESSES_SHA256 = "c6097356f1eea5520ff1aa636cd65013fd45a6b98eb1eda51e3983a2ad8326b8"
"""Of the address file of ocean-contracts 0.6.3, as JSON with sorted keys."""


def of_ocean_contracts(name: str) -> dict[str, Any]:
    return json.loads(PACKED.read_bytes())["contracts"][name]


def own(name: str) -> str:
    folder = resources.files("ocean_lib.web3_internal.artifacts")
    return folder.joinpath(f"{name}.json").read_text("utf-8")


def test_what_the_build_packed_is_what_the_repository_says():
    digest = hashlib.sha256(PACKED.read_bytes()).hexdigest()

    assert re.findall('^SHA256 = "(.*)"$', SETUP.read_text("utf-8"), re.MULTILINE) == [digest]
    assert json.loads(PACKED.read_bytes())["origin"].startswith(
        "ocean-contracts 0.6.3 (Apache-2.0)"
    )


def test_the_release_with_a_nodes_contracts_is_the_one_named():
    assert metadata.version("ocean-contracts") == "2.7.0"


@pytest.mark.parametrize("name", NAMES)
def test_each_abi_is_that_of_ocean_contracts_and_nothing_else_is_kept(name):
    assert json.loads(own(name)) == {"contractName": name, "abi": of_ocean_contracts(name)["abi"]}


@pytest.mark.parametrize("name", NAMES)
def test_each_entry_of_an_abi_has_a_line_of_its_own(name):
    entries = [json.loads(line.strip().rstrip(",")) for line in own(name).splitlines()[3:-2]]

    assert entries == json.loads(own(name))["abi"]


def test_the_addresses_are_those_of_ocean_contracts():
    theirs = json.loads(own("address"))

    same = json.dumps(theirs, sort_keys=True).encode()
    assert hashlib.sha256(same).hexdigest() == ADDRESSES_SHA256
    for network, addresses in theirs.items():
        assert get_contracts_addresses(network, None) == addresses
    assert json.loads(Path(Config(options_dict={}).address_file).read_text("utf-8")) == theirs


@pytest.mark.parametrize("content", [None, "no JSON", "[]"])
def test_an_address_file_that_cannot_be_used_is_named_as_it_is_on_the_disk(tmp_path, content):
    path = tmp_path / "my  files\n" / "address.json "
    path.parent.mkdir()
    if content:
        path.write_text(content, "utf-8")

    with pytest.raises(ConfigError) as caught:
        get_contracts_addresses("development", str(path))

    assert "/my  files\\n/address.json '" in str(caught.value)


def test_the_library_holds_the_artifacts_of_its_contracts_and_no_other():
    files = resources.files("ocean_lib.web3_internal.artifacts").iterdir()
    data = {file.name for file in files if file.is_file() and not file.name.endswith(".py")}

    assert {contract.CONTRACT_NAME for contract in CONTRACTS} == set(NAMES)
    assert data == {"address.json", *(f"{name}.json" for name in NAMES)}


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_users_own_folder_wins(tmp_path, contract):
    (tmp_path / f"{contract.CONTRACT_NAME}.json").write_text(json.dumps({"abi": [MINE]}))

    assert contract(ADDRESS, str(tmp_path)).function_names == ["mine"]
    assert "mine" not in contract(ADDRESS).function_names


@pytest.mark.parametrize("name", ["ERC20Template", "Escrow"])
def test_a_folder_with_upstreams_files_is_read_bytecode_included(name):
    folder = str(resources.files("artifacts"))
    theirs = json.loads((Path(folder) / f"{name}.json").read_bytes())

    definition = get_contract_definition(name, folder)

    assert (definition["abi"], definition["bytecode"]) == (theirs["abi"], theirs["bytecode"])


def test_a_users_contract_is_not_deployed_with_the_bytecode_that_is_packed(tmp_path):
    (tmp_path / "DTFactory.json").write_text(json.dumps({"abi": [MINE]}))

    contract = load_contract(Web3(), "DTFactory", None, str(tmp_path))

    with pytest.raises(ConfigError, match=r"DTFactory\.json in .* has none"):
        contract.constructor()


@pytest.mark.parametrize("abi_path", [None, "", str(FOLDER)])
def test_the_bytecode_that_is_packed_can_be_deployed(abi_path):
    bytecode = of_ocean_contracts("Metadata")["bytecode"]

    definition = get_contract_definition("Metadata", abi_path)
    contract = load_contract(Web3(), "Metadata", None, abi_path)

    assert definition["bytecode"] == bytecode
    assert contract.constructor().data_in_transaction == bytecode


def test_the_arguments_of_a_deployment_follow_the_bytecode():
    contract = load_contract(Web3(), "DTFactory", None)

    data = contract.constructor(ADDRESS, ADDRESS).data_in_transaction

    arguments = ADDRESS[2:].lower().rjust(64, "0") * 2
    assert data == of_ocean_contracts("DTFactory")["bytecode"] + arguments


def test_v3s_contracts_are_found_that_later_releases_have_others_of():
    later = json.loads(resources.files("artifacts").joinpath("BFactory.json").read_text("utf-8"))

    assert get_contract_definition("BFactory")["abi"] != later["abi"]
    assert get_contract_definition("BFactory")["abi"] == of_ocean_contracts("BFactory")["abi"]


def test_an_artifact_has_no_keys_but_its_own():
    with pytest.raises(KeyError, match="source"):
        get_contract_definition("Metadata")["source"]


@pytest.fixture(scope="module")
def core_install(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Give the environment of a Python that finds all that is installed but ocean-contracts."""
    folder = tmp_path_factory.mktemp("site-packages")
    for part in [p for place in site.getsitepackages() for p in Path(place).glob("*")]:
        link = folder / part.name
        if not part.name.startswith(("artifacts", "ocean_contracts")) and not link.exists():
            link.symlink_to(part)
    ours = Path(str(ocean_lib.__file__)).parents[1]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ours)])}


def run(code: str, environment: dict[str, str], folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env=environment,
        cwd=folder,  # not where an `artifacts` may lie
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_without_ocean_contracts_the_client_knows_its_contracts(core_install, tmp_path):
    code = f"""
import importlib.util
from web3 import Web3
from ocean_lib import Config, DataToken
from ocean_lib.models.dtfactory import DTFactory
from ocean_lib.models.metadata import MetadataContract
from ocean_lib.ocean.util import get_dtfactory_address
from ocean_lib.web3_internal.contract_utils import load_contract

assert importlib.util.find_spec("artifacts") is None
for contract in (DataToken, DTFactory, MetadataContract):
    made = contract("{ADDRESS}", web3=Web3())
    print(contract.__name__, *made.function_names[:2], len(list(made.events)))
print(load_contract(Web3(), "DataTokenTemplate", None).events.OrderStarted().event_name)
print(get_dtfactory_address(Config(options_dict={{}}).address_file, "polygon"))
"""
    assert run(code, core_install, tmp_path).splitlines() == [
        "DataToken approve totalSupply 6",
        "DTFactory createToken getCurrentTokenCount 3",
        "MetadataContract create update 2",
        "OrderStarted",
        "0xF6410bf5d773C7a41ebFf972f38e7463FA242477",
    ]


def test_without_the_packed_file_what_needs_it_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(contract_utils, "_PACKED", tmp_path / "v3_contracts.json")
    again = "Install ocean-compute again"

    with pytest.raises(ConfigError, match=again):
        get_contract_definition("Metadata")["bytecode"]
    with pytest.raises(ConfigError, match=again):
        load_contract(Web3(), "Metadata", None).constructor()
