"""Stopping a network of which a part cannot be closed."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ocean_lib.localnet import LocalNetwork
from ocean_lib.localnet.runners.local import LocalRunner


class Stubborn(LocalRunner):
    """A runner that breaks as it is closed."""

    def close(self) -> None:
        super().close()
        raise OSError("the runner is stubborn")


def test_a_part_that_cannot_be_closed_leaves_nothing_else_open(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    network = LocalNetwork(runner=Stubborn(tmp_path / "tools"))
    network.start()
    folder = network.state_dir
    with pytest.raises(OSError, match="the runner is stubborn"):
        network.stop()
    network.stop()

    assert not folder.exists()
    assert set(threading.enumerate()) <= before


def test_a_network_starts_again_on_the_state_of_one_that_could_not_be_closed(
    tmp_path: Path,
) -> None:
    state = tmp_path / "state"
    network = LocalNetwork(state, runner=Stubborn(tmp_path / "tools"))
    url = network.start().provider_url
    with pytest.raises(OSError, match="stubborn"):
        network.stop()
    with LocalNetwork(state) as again:
        assert again.provider_url == url
