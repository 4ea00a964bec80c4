"""The README's code runs, block after block, on the embedded network."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.localnet import LocalNetwork
from ocean_lib.ocean.ocean import Ocean
from tests.flows import order, publish_dataset
from tests.pages import blocks

README = Path(__file__).parents[2] / "README.md"
ALGORITHM = """
import os, pathlib
(pathlib.Path(os.environ["OUTPUTS"]) / "out.txt").write_text("42")
"""


def test_the_readmes_python_blocks_run(
    network: LocalNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("algorithm.py").write_text(ALGORITHM)
    ocean, consumer = Ocean(network.config), network.wallet(8)
    asset = publish_dataset(ocean, network, network.wallet(7), "data", raw=True)
    ordered = order(ocean, asset, ServiceTypes.CLOUD_COMPUTE, network.wallet(7), consumer)
    names = {
        "config": network.config,
        "key": network.accounts[8].key.hex(),
        "did": asset.did,
        "order_tx": ordered.transfer_tx_id,
        "service_index": ordered.service_id,
    }

    ours = [block.code for block in blocks(README) if block.runner.endswith(Path(__file__).name)]
    for code in ours:
        exec(compile(code, "README.md", "exec"), names)

    assert len(ours) == 3
    assert (tmp_path / "results" / "out.txt").read_text() == "42"
    assert "results/out.txt" in capsys.readouterr().out


def test_what_the_readme_points_at_is_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README.read_text())

    assert len(links) > 10
    assert [link for link in links if not (README.parent / link).exists()] == []
