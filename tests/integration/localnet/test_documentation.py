"""docs/localnet.md says what is so: its Python runs, its numbers are the code's."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ocean_lib.localnet.chain import server
from ocean_lib.localnet.faults import _OPERATIONS
from ocean_lib.localnet.files import web
from ocean_lib.localnet.files.addresses import _METADATA_SERVICES
from ocean_lib.localnet.http.server import MAX_HEADER_BYTES
from ocean_lib.localnet.network import LocalNetwork
from ocean_lib.localnet.runners import Limits
from ocean_lib.localnet.safe_json import MAX_DEPTH
from tests.integration.localnet.test_pytest_plugin import run_pytest

TEXT = (Path(__file__).parents[3] / "docs" / "localnet.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
SUITES = [block for block in BLOCKS if "def test_" in block]


@pytest.mark.parametrize("block", [block for block in BLOCKS if block not in SUITES])
def test_its_python_runs(block: str) -> None:
    shown = subprocess.run(
        [sys.executable, "-c", block], capture_output=True, text=True, timeout=120, check=False
    )

    assert shown.returncode == 0, shown.stderr
    assert shown.stdout


def test_its_suite_passes(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text("\n".join(SUITES))
    shown = run_pytest(tmp_path, "-q")

    assert "2 passed" in shown.stdout, shown.stdout + shown.stderr


def test_its_numbers_are_those_of_the_code() -> None:
    limits = Limits()
    mib = 1024**2
    words = [
        f"headers | {MAX_HEADER_BYTES // 1024} KiB",
        f"nests {MAX_DEPTH} levels deep",
        f"JSON-RPC {server.MAX_BODY_BYTES // mib} MiB",
        f"batch | {server.MAX_BATCH} calls",
        f"{web.IDLE_S:.0f} s without a byte, {web._MAX_REDIRECTS} redirects",
        f"wall time {limits.wall_s:.0f} s, CPU an hour of every core",
        f"memory {limits.memory_bytes // 1024**3} GiB, {limits.processes} processes",
        f"a file {limits.file_size_bytes // 1024**3} GiB",
        f"outputs {limits.output_bytes // 1024**3} GiB",
        f"{limits.output_files} result files, log {limits.log_bytes // mib} MiB",
    ]

    assert [word for word in words if word not in TEXT] == []


def test_it_names_every_argument_and_every_operation() -> None:
    init = LocalNetwork.__init__
    arguments = set(init.__code__.co_varnames[1 : init.__code__.co_argcount])
    arguments |= set(init.__kwdefaults__ or {})

    assert [name for name in arguments if f"`{name}=" not in TEXT] == []
    assert [name for name in _OPERATIONS if f"`{name}`" not in TEXT and name != "any"] == []
    assert sum(str(address) in TEXT for address in _METADATA_SERVICES) >= 4
