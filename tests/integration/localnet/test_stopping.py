"""Networks that end badly: a part cannot be closed, or they are killed."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import pytest

from ocean_lib.localnet import LocalNetwork
from ocean_lib.localnet.runners.local import LocalRunner
from tests.integration.localnet.process import command, described


class Stubborn(LocalRunner):
    """A runner that breaks as it is closed."""

    def close(self) -> None:
        super().close()
        raise OSError("the runner is stubborn")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this process and those that it starts make temporary folders."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


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


def test_what_a_killed_network_left_in_a_temporary_folder_goes_at_the_next_start(
    temporary: Path,
) -> None:
    with command() as process:
        folder = Path(described(process)["state_dir"])
        with LocalNetwork():
            while_it_runs = (folder / "keys.json").exists()
        process.kill()
        process.wait(20)
        killed = (folder / "keys.json").exists()
        with LocalNetwork():
            later = folder.exists()

    assert (while_it_runs, killed, later) == (True, True, False)
    assert list(temporary.iterdir()) == []


def test_a_temporary_folder_that_is_kept_is_not_removed(temporary: Path) -> None:
    with command() as process:
        folder = Path(described(process)["state_dir"])
        process.kill()
        process.wait(20)
    with LocalNetwork(folder) as kept:
        address = kept.provider_address
    with LocalNetwork(folder) as again:
        assert again.provider_address == address


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
