"""Without the extra, the embedded network says which one to install, wherever it is asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

INSTALL = 'pip install "ocean-compute[localnet]"'


def said(code: str) -> str:
    """Run code where one of the extra's packages is not to be found; return what it says."""
    without = f"import sys; sys.modules['waitress'] = None\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", without], capture_output=True, text=True, check=False
    )
    assert done.returncode
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "code",
    [
        "from ocean_lib.localnet import LocalNetwork",
        "import runpy; runpy.run_module('ocean_lib.localnet', run_name='__main__')",
        "from ocean_lib.cli import main; sys.argv[1:] = ['localnet']; sys.exit(main())",
    ],
    ids=["import", "python -m", "command line"],
)
def test_it_names_the_extra_and_what_is_missing(code: str) -> None:
    text = said(code)

    assert INSTALL in text
    assert "waitress" in text
