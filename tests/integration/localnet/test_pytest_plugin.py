"""The fixtures, as somebody else's test suite uses them: in a pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

from tests.strict import STRICT

SUITE = '''
from ocean_lib import AlgorithmMetadata
from ocean_lib.localnet.faults import Unavailable

CODE = """
    import os
    folder = os.path.join(os.environ["INPUTS"], os.environ["DIDS"].strip('[]"'))
    print("rows", len(open(os.path.join(folder, "0")).readlines()))
"""

def test_a_published_algorithm(ocean, published_dataset, published_algorithm, consumer_wallet):
    algorithm = published_algorithm(CODE, order=True)
    dataset = published_dataset("1\\n2\\n3\\n", trusted=[algorithm], order=True)
    job = ocean.compute.submit([dataset.compute_input], consumer_wallet, **algorithm.arguments)
    job.wait(timeout=60, progress=False)
    assert "rows 3" in job.logs()

def test_code_sent_along_on_a_file(ocean, published_dataset, consumer_wallet, tmp_path):
    (tmp_path / "data.csv").write_text("1\\n")
    dataset = published_dataset(tmp_path / "data.csv", raw=True, order=True)
    code = AlgorithmMetadata({"rawcode": "print('raw')", "language": "python", "version": "1",
        "format": "docker-image",
        "container": {"image": "python", "tag": "3", "entrypoint": "python3 $ALGO"}})
    job = ocean.compute.submit([dataset.compute_input], consumer_wallet, algorithm_meta=code)
    job.wait(timeout=60, progress=False)
    assert "raw" in job.logs()

def test_the_options_are_ours_and_the_wallets_two(
    ocean_network, publisher_wallet, consumer_wallet, ocean
):
    assert ocean_network.isolation
    assert publisher_wallet.address != consumer_wallet.address
    assert ocean_network.accounts[2:] == []
    assert ocean.config.provider_url == ocean_network.provider_url

def test_what_was_not_ordered_has_no_order(published_dataset, published_algorithm):
    algorithm = published_algorithm(b"print()")
    dataset = published_dataset("1", trusted=[algorithm.did])
    assert (dataset.compute_input, algorithm.order_tx_id) == (None, None)
    assert dataset.did.startswith("did:op:")

def test_a_fault_is_for_one_test(ocean_faults):
    ocean_faults.set(Unavailable())

def test_and_not_for_the_next(ocean_network):
    assert ocean_network.faults.active == ()
'''
CONFTEST = """
import pytest

@pytest.fixture(scope="session")
def ocean_network_options():
    return {"account_count": 2, "jobs_at_once": 1}
"""
OF_A_NODE = """
import pytest
from ocean_lib import AlgorithmMetadata, ComputeInput, FileInput

CODE = {
    "rawcode": "print('hello')",
    "container": {"image": "python", "tag": "3.11", "entrypoint": "python3 $ALGO"},
}

@pytest.fixture(scope="session")
def ocean_network_options():
    return {"generation": "node"}

def test_a_job(ocean, ocean_network, consumer_wallet):
    data = FileInput(url=ocean_network.publish_file(b"1", "data.csv"))
    code = AlgorithmMetadata(CODE)
    job = ocean.compute.submit([data], consumer_wallet, algorithm_meta=code)
    assert job.wait(timeout=60).succeeded
    assert "hello" in job.logs()

def test_an_asset(ocean, published_dataset, published_algorithm, consumer_wallet):
    algorithm = published_algorithm("print('published')")
    dataset = published_dataset("1,2,3", trusted=[algorithm])
    inputs = [ComputeInput(dataset.did, ocean.compute.NOT_ORDERED, 0)]
    job = ocean.compute.submit(inputs, consumer_wallet, algorithm_did=algorithm.did)
    assert job.wait(timeout=60).succeeded
    assert "published" in job.logs()
"""
WITHOUT_THE_EXTRA = """
import sys
sys.modules["flask"] = None
"""


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", *STRICT, "-p", "no:cacheprovider"]
        # By its module, whether or not it is installed as an entry point here.
        + ["-p", "no:ocean_compute", "-p", "ocean_lib.testing.plugin", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_suite_of_somebody_else_runs_on_the_fixtures(tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text(SUITE)
    (tmp_path / "conftest.py").write_text(CONFTEST)
    shown = run_pytest(tmp_path, "-q")

    assert "6 passed" in shown.stdout, shown.stdout + shown.stderr


def test_the_fixtures_are_of_a_node_where_a_suite_asks_for_one(tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text(OF_A_NODE)
    shown = run_pytest(tmp_path, "-q")

    assert "2 passed" in shown.stdout, shown.stdout + shown.stderr


def test_the_fixtures_are_listed_with_what_they_are(tmp_path: Path) -> None:
    shown = run_pytest(tmp_path, "--fixtures", "-q")

    assert "published_dataset [session scope]" in shown.stdout
    assert "A function that publishes a dataset for computing" in shown.stdout


def test_a_suite_that_uses_none_imports_nothing_and_one_without_the_extra_is_told(
    tmp_path: Path,
) -> None:
    (tmp_path / "test_theirs.py").write_text(
        textwrap.dedent(
            """
            import sys

            def test_nothing_is_loaded():
                assert not {"web3", "eth", "waitress", "ocean_lib.config"} & set(sys.modules)

            def test_it_names_what_is_missing(ocean_network):
                pass
            """
        )
    )
    (tmp_path / "conftest.py").write_text(WITHOUT_THE_EXTRA)
    shown = run_pytest(tmp_path, "-q")

    assert "1 passed, 1 error" in shown.stdout.replace("1 error, 1 passed", "1 passed, 1 error")
    assert 'pip install "ocean-compute[localnet]"' in shown.stdout


def test_as_an_entry_point_pytest_finds_it_by_itself(tmp_path: Path) -> None:
    information = tmp_path / "site" / "entry-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: entry\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        "[pytest11]\nocean_compute = ocean_lib.testing.plugin\n"
    )
    paths = [str(tmp_path / "site"), *filter(None, [os.environ.get("PYTHONPATH")])]
    shown = subprocess.run(
        [sys.executable, "-m", "pytest", "--fixtures", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert "published_dataset [session scope]" in shown.stdout, shown.stdout + shown.stderr
