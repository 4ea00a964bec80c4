"""How little a call needs, in counts that do not depend on the machine."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from ocean_lib.backends.v3.answers import job_of
from ocean_lib.http import deadline
from ocean_lib.jobs import awaiting, waiting
from ocean_lib.jobs.waiting import Wait, wait
from tests.clock import Clock

STATUS = (
    "from ocean_lib import Config, DataServiceProvider, OceanCompute\n"
    "config = Config(options_dict={'resources': {'provider.url': 'http://127.0.0.1:1'}})\n"
    "OceanCompute(config, DataServiceProvider(config))\n"
)
SIGNATURE = (
    "from ocean_lib import Wallet\n"
    "from ocean_lib.web3_internal.signer import sign_text\n"
    "sign_text(Wallet(None, private_key='0x' + '01' * 32), 'text')\n"
)
JOB_ID = "7a" * 16


def loaded_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def packages(modules: set[str]) -> set[str]:
    """The packages of others that these modules are of."""
    return {name.partition(".")[0] for name in modules} - set(sys.stdlib_module_names)


@pytest.fixture(scope="module")
def status_needs() -> set[str]:
    """What a status loads and `import requests` does not."""
    return loaded_after(STATUS) - loaded_after("import requests")


def test_a_status_loads_two_small_packages_besides_requests(status_needs):
    assert packages(status_needs) == {"ocean_lib", "cachetools", "enforce_typing"}


@pytest.mark.parametrize(
    "heavy", ["asyncio", "html.entities", "logging.config", "sqlite3", "subprocess", "uuid"]
)
def test_a_status_loads_nothing_heavy_of_the_standard_library(status_needs, heavy):
    assert heavy not in status_needs


@pytest.mark.parametrize(
    "of_the_chain",
    ["models.data_token", "models.dtfactory", "ocean._chain", "web3_internal.contract_base"],
)
def test_a_status_loads_nothing_that_deals_with_the_chain(status_needs, of_the_chain):
    assert f"ocean_lib.{of_the_chain}" not in status_needs


@pytest.mark.skipif(not importlib.util.find_spec("coincurve"), reason="no coincurve here")
def test_a_signature_loads_neither_web3_nor_any_of_eth_accounts_packages():
    loaded = packages(loaded_after(SIGNATURE))

    assert not loaded & {"web3", "eth_account", "eth_keys", "eth_utils", "py_ecc", "eth_abi"}


@pytest.mark.parametrize(
    ("lasts_s", "most_looks", "most_late_s"),
    [(0.1, 2, 0.2), (1, 4, 0.9), (10, 8, 5.5), (60, 15, 15), (600, 35, 33), (3600, 138, 33)],
)
def test_a_wait_takes_few_looks_and_ends_soon_after_the_job(
    monkeypatch, lasts_s, most_looks, most_late_s
):
    clock = Clock(1000.0).rules(monkeypatch, waiting, awaiting, deadline)
    plan = Wait([JOB_ID])
    looks = 0

    def look() -> None:
        nonlocal looks
        looks += 1
        code = 70 if clock.now >= 1000 + lasts_s else 40
        plan.saw({JOB_ID: job_of({"jobId": JOB_ID, "status": code, "stopreq": 0}).status})

    wait(plan, look)

    assert looks <= most_looks
    assert clock.now - 1000 - lasts_s <= most_late_s


@pytest.mark.skipif("not __import__('os').environ.get('OCEAN_BENCH')", reason="OCEAN_BENCH=1")
@pytest.mark.parametrize("generation", ["v3", "node"])
def test_the_benchmark_runs(generation):
    root = Path(__file__).parents[2]

    done = subprocess.run(
        [sys.executable, root / "benchmarks" / "compare.py", "--quick", "--generation", generation],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "| to reach |" in done.stdout
