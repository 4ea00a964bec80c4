"""What users import, by name and signature: ocean.py's documented API, and our own top level."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ocean_lib
from ocean_lib.ocean.ocean_compute import OceanCompute

# From ocean.py 0.5.24's documentation of ocean_lib.ocean.ocean_compute.
DOCUMENTED = {
    "build_cluster_attributes": "cluster_type, url",
    "build_container_attributes": "image, tag, entrypoint",
    "build_server_attributes": "server_id, server_type, cpu, gpu, memory, disk, max_run_time",
    "build_service_provider_attributes": "provider_type, description, cluster, containers, servers",
    "build_service_privacy_attributes": (
        "trusted_algorithms=None, metadata_cache_uri=None, allow_raw_algorithm=False, "
        "allow_all_published_algorithms=False, allow_network_access=False"
    ),
    "create_compute_service_attributes": (
        "timeout, creator, date_published, provider_attributes=None, privacy_attributes=None"
    ),
    "check_output_dict": "output_def, consumer_address, data_provider, config",
    "create_compute_service_descriptor": "self, attributes",
    "start": (
        "self, input_datasets, consumer_wallet, nonce=None, algorithm_did=None, "
        "algorithm_meta=None, algorithm_tx_id=None, algorithm_data_token=None, output=None, "
        "job_id=None"
    ),
    "status": "self, did, job_id, wallet",
    "result": "self, did, job_id, wallet",
    "stop": "self, did, job_id, wallet",
    "__init__": "self, config, data_provider",
}
UPSTREAM_PATHS = [
    "ocean_lib.assets.asset.Asset",
    "ocean_lib.assets.asset_resolver.resolve_asset",
    "ocean_lib.assets.utils.add_publisher_trusted_algorithm",
    "ocean_lib.assets.utils.create_publisher_trusted_algorithms",
    "ocean_lib.assets.utils.generate_trusted_algo_dict",
    "ocean_lib.assets.utils.remove_publisher_trusted_algorithm",
    "ocean_lib.common.agreements.consumable.AssetNotConsumable",
    "ocean_lib.common.agreements.consumable.ConsumableCodes",
    "ocean_lib.common.agreements.consumable.MalformedCredential",
    "ocean_lib.common.agreements.service_agreement.ServiceAgreement",
    "ocean_lib.common.agreements.service_factory.ServiceDescriptor",
    "ocean_lib.common.agreements.service_factory.ServiceFactory",
    "ocean_lib.common.agreements.service_types.ServiceTypes",
    "ocean_lib.common.aquarius.aquarius.Aquarius",
    "ocean_lib.common.ddo.ddo.DDO",
    "ocean_lib.common.ddo.service.Service",
    "ocean_lib.common.http_requests.requests_session.get_requests_session",
    "ocean_lib.config.Config",
    "ocean_lib.data_provider.data_service_provider.DataServiceProvider",
    "ocean_lib.data_provider.data_service_provider.OrderRequirements",
    "ocean_lib.example_config.ExampleConfig",
    "ocean_lib.exceptions.InsufficientBalance",
    "ocean_lib.models.algorithm_metadata.AlgorithmMetadata",
    "ocean_lib.models.compute_input.ComputeInput",
    "ocean_lib.models.data_token.DataToken",
    "ocean_lib.models.dtfactory.DTFactory",
    "ocean_lib.models.metadata.MetadataContract",
    "ocean_lib.ocean.ocean.Ocean",
    "ocean_lib.ocean.ocean_assets.OceanAssets",
    "ocean_lib.ocean.ocean_compute.OceanCompute",
    "ocean_lib.web3_internal.wallet.Wallet",
    "ocean_lib.web3_internal.web3_provider.Web3Provider",
]
TOP_LEVEL = [
    "AlgorithmMetadata",
    "ComputeInput",
    "ComputeJob",
    "Config",
    "DataServiceProvider",
    "DataToken",
    "FileInput",
    "JobState",
    "JobStatus",
    "Ocean",
    "OceanAssets",
    "OceanCompute",
    "OceanError",
    "Wallet",
    "in_thread",
    "time_limit",
]


def shape(function: object) -> str:
    """The parameters' names, order and defaults, without annotations."""
    signature = inspect.signature(function)  # type: ignore[arg-type]
    return ", ".join(
        name if p.default is p.empty else f"{name}={p.default!r}"
        for name, p in signature.parameters.items()
    )


@pytest.mark.parametrize("name", DOCUMENTED)
def test_ocean_compute_has_the_documented_signature(name: str) -> None:
    assert shape(getattr(OceanCompute, name)) == DOCUMENTED[name]


@pytest.mark.parametrize("name", DOCUMENTED)
def test_ocean_compute_has_the_documented_kind_of_method(name: str) -> None:
    is_static = isinstance(inspect.getattr_static(OceanCompute, name), staticmethod)

    assert is_static == (not DOCUMENTED[name].startswith("self"))


@pytest.mark.parametrize("path", UPSTREAM_PATHS)
def test_oceanpys_import_paths_are_the_real_modules(path: str) -> None:
    module, _, name = path.rpartition(".")

    found = getattr(importlib.import_module(module), name)

    assert found.__doc__, "it says what it is"


def test_the_top_level_has_these_names() -> None:
    assert sorted(ocean_lib.__all__) == sorted(TOP_LEVEL)
    for name in TOP_LEVEL:
        assert getattr(ocean_lib, name).__name__ == name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Oceon'"):
        ocean_lib.Oceon  # noqa: B018


def loaded_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_else() -> None:
    loaded = loaded_after("import ocean_lib")

    assert {name for name in loaded if name.startswith("ocean_lib")} == {"ocean_lib"}
    assert not loaded & {"requests", "web3", "eth_account", "urllib3"}


def test_what_a_status_needs_loads_neither_web3_nor_eth_account() -> None:
    loaded = loaded_after(
        "from ocean_lib import Config, DataServiceProvider, OceanCompute\n"
        "config = Config(options_dict={'resources': {'provider.url': 'http://127.0.0.1:1'}})\n"
        "OceanCompute(config, DataServiceProvider(config))"
    )

    assert "requests" in loaded
    assert not loaded & {"web3", "eth_account"}


def test_the_client_is_used_by_class_and_by_instance() -> None:
    from ocean_lib.data_provider.data_service_provider import DataServiceProvider

    mine = DataServiceProvider()

    assert inspect.signature(DataServiceProvider.get_nonce).parameters.keys() == {
        "user_address",
        "provider_uri",
    }
    assert mine.get_nonce.__self__ is mine  # type: ignore[attr-defined]
    assert DataServiceProvider.get_nonce.__self__ is DataServiceProvider.shared()  # type: ignore[attr-defined]
    assert mine is not DataServiceProvider.shared()


def test_no_machine_path_or_registry_host_is_in_the_repo() -> None:
    root = Path(__file__).parents[2]
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    forbidden = re.compile(r"(?<!\w)/root/|/work/main|files\.pythonhosted|registry\.npmjs")

    found = [
        name
        for name in filter(None, listed.stdout.split("\0"))
        if (root / name).is_file()
        and name != "tests/unit/test_public_api.py"
        and forbidden.search((root / name).read_text(errors="replace"))
    ]

    assert found == []
