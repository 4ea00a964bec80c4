"""ocean.py beside us: both are imported as `ocean_lib`, so whoever has both is told."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocean_lib.base import distributions
from ocean_lib.base.distributions import DistributionWarning
from ocean_lib.cli import main
from ocean_lib.config import Config
from ocean_lib.ocean.ocean import Ocean

NOBODY = "http://127.0.0.1:9"
JOBS = ["jobs", "--provider", NOBODY, "--metadata-cache", NOBODY, "--address", "0x" + "12" * 20]


@pytest.fixture(autouse=True)
def _asked_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("CONFIG_FILE", raising=False)
    yield
    for remembered in (distributions.other_installed, distributions.warn_of_other):
        remembered.cache_clear()


@pytest.fixture
def ocean_py(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages in which ocean.py is installed."""
    folder = tmp_path / "ocean_lib-0.5.25.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: ocean-lib\nVersion: 0.5.25\n")
    for remembered in (distributions.other_installed, distributions.warn_of_other):
        remembered.cache_clear()
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("ocean_py")
def test_the_first_config_warns_and_no_other() -> None:
    with pytest.warns(DistributionWarning, match=r"^ocean-lib 0\.5\.25 is installed") as caught:
        Config(options_dict={})

    assert [Path(one.filename).name for one in caught] == [Path(__file__).name]
    assert issubclass(DistributionWarning, UserWarning)
    Config(options_dict={})


@pytest.mark.usefixtures("ocean_py")
def test_the_first_ocean_warns() -> None:
    with pytest.warns(DistributionWarning, match="pip uninstall ocean-lib"):
        Ocean({"network": NOBODY, "metadataCacheUri": NOBODY, "providerUri": NOBODY})


@pytest.mark.usefixtures("ocean_py")
def test_the_command_line_says_it_once_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(JOBS) == 6
    shown = capsys.readouterr()
    assert shown.err.count("Warning: ocean-lib 0.5.25 is installed beside ocean-compute") == 1
    assert shown.out == ""


def test_nobody_is_warned_where_only_we_are(tmp_path: Path) -> None:
    (tmp_path / "ocean_lib_helpers-1.0.dist-info").mkdir()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Config(options_dict={})
    assert distributions.other_installed() == ""


def test_a_config_does_not_load_what_reads_distributions() -> None:
    code = (
        "import sys\nfrom ocean_lib.config import Config\n"
        "before = 'importlib.metadata' in sys.modules\nConfig(options_dict={})\n"
        "print(before or 'importlib.metadata' not in sys.modules)\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert shown.stdout.strip() == "True"
