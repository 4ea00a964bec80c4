"""ocean-compute-core: jobs run with the packages that it names and no others."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.localnet import LocalNetwork
from ocean_lib.ocean.ocean import Ocean
from tests.flows import order, publish_dataset

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
# Of a real installation, which CI makes; else ours, that refuses to import anything more.
INSTALLED = os.environ.get("OCEAN_CORE_PYTHON")
MODULES = {"enforce-typing": "enforce_typing", "pycryptodome": "Crypto"}
OF_REQUESTS = {"certifi", "charset_normalizer", "idna"}

REFUSE = """
import sys

class Refuse:
    def find_spec(name, path=None, target=None):
        package = name.partition(".")[0]
        if package not in sys.stdlib_module_names and package not in ALLOWED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refuse)
"""
A_JOB = """
import json, sys
from pathlib import Path
from ocean_lib import AlgorithmMetadata, ComputeInput, Config, Ocean, Wallet
from ocean_lib.exceptions import PackageMissing

asked = json.loads(sys.stdin.read())
ocean = Ocean(Config(options_dict=asked["config"]))
wallet = Wallet(None, private_key=asked["key"])
algorithm = AlgorithmMetadata({
    "rawcode": "import os; open(os.environ['OUTPUTS'] + '/out.txt', 'w').write('42')",
    "language": "python", "format": "docker-image", "version": "1",
    "container": {"image": "python", "tag": "3.11", "entrypoint": "python3 $ALGO"},
})
order = ComputeInput(asked["did"], asked["order"], asked["service"])
check = ocean.compute.check([order], wallet, algorithm_meta=algorithm)
job = ocean.compute.submit([order], wallet, algorithm_meta=algorithm)
job.wait(timeout=60)
job.download("results")
job.stop()
try:
    ocean.web3
except PackageMissing as error:
    missing = error.name
modules = {name.partition(".")[0] for name in sys.modules}
print(json.dumps({
    "result": Path("results", "out.txt").read_text(),
    "not checked": [check.codes, check.unknowns == check],
    "missing": missing,
    "heavy": sorted(modules & {"web3", "eth_account", "eth_utils", "yaml"}),
}))
"""


def dependencies(folder: str) -> dict[str, str]:
    """From the name of each package that a pyproject.toml asks for to the versions it allows."""
    project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text("utf-8"))["project"]
    parts = [re.fullmatch(r"([\w-]+)([^;]*).*", line) for line in project["dependencies"]]
    return {part[1]: part[2] for part in parts if part}


def test_the_core_asks_for_what_the_client_asks_for_without_the_chain() -> None:
    core, client = dependencies("core"), dependencies("")

    assert core.pop("pycryptodome") == ">=3.6.6", "brought by eth-account for the client"
    assert client.keys() - core.keys() == {"web3", "eth-account", "PyYAML"}
    assert core == {name: client[name] for name in core}


@pytest.fixture
def asked(network: LocalNetwork) -> dict[str, Any]:
    """An order of a data set, placed by somebody with the whole client."""
    ocean, consumer = Ocean(network.config), network.wallet(8)
    asset = publish_dataset(ocean, network, network.wallet(7), "data", raw=True)
    ordered = order(ocean, asset, ServiceTypes.CLOUD_COMPUTE, network.wallet(7), consumer)
    return {
        "config": {name: dict(network.config[name]) for name in network.config.sections()},
        "key": network.accounts[8].key.hex(),
        "did": asset.did,
        "order": ordered.transfer_tx_id,
        "service": ordered.service_id,
    }


def test_a_job_runs_with_the_cores_packages_alone(asked: dict[str, Any], tmp_path: Path) -> None:
    allowed = {MODULES.get(name, name) for name in dependencies("core")} | OF_REQUESTS
    refuse = f"ALLOWED = {allowed | {'ocean_lib'}!r}\n{REFUSE}"
    done = subprocess.run(
        [INSTALLED or sys.executable, "-c", A_JOB if INSTALLED else refuse + A_JOB],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "result": "42",
        "not checked": [["order-unknown"], True],
        "missing": "web3",
        "heavy": [],
    }
