"""The command line stands on neither side: nobody imports it, and one part of it knows localnet."""

from __future__ import annotations

import pytest

from tests.unit.test_two_sides import CLIENT_FILES, NETWORK_FILES, ROOT, imported

CLI_FILES = sorted((ROOT / "cli").rglob("*.py"))
KNOW_LOCALNET = {"embedded.py", "network.py"}


@pytest.mark.slow
def test_neither_side_imports_the_command_line() -> None:
    users = [
        path
        for path in (*CLIENT_FILES, *NETWORK_FILES)
        if any(module.startswith("ocean_lib.cli") for module in imported(path))
    ]

    assert users == []


def test_only_what_runs_the_embedded_network_imports_it() -> None:
    found = {
        path.name
        for path in CLI_FILES
        if any(module.startswith("ocean_lib.localnet") for module in imported(path))
    }

    assert found == KNOW_LOCALNET


def test_the_embedded_network_is_loaded_inside_functions_only() -> None:
    eager = [
        path.name
        for path in CLI_FILES
        for module in imported(path, in_functions=False)
        if module.startswith("ocean_lib.localnet")
    ]

    assert eager == []
