"""What pyproject.toml cannot say: building packs V3's contracts into the package.

Two releases of ocean-contracts cannot be installed together, and the embedded networks need V3's
contracts (0.6.3) and a node's (2.7.0). So the build requires 0.6.3, and what is needed of it is
written to `ocean_lib/v3_contracts.json`: into the wheel, or beside the sources where these are
installed editable. Only its digest is in the repository.
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from setuptools import Command, setup
from setuptools.command.build import build
from setuptools.errors import SetupError

RELEASE = "0.6.3"
CONTRACTS = (
    *("OPFCommunityFeeCollector", "DataTokenTemplate", "DTFactory", "Metadata"),
    *("BPool", "BFactory", "FixedRateExchange", "Dispenser"),
)
KEYS = ("contractName", "abi", "bytecode", "deployedBytecode")
FILE = "ocean_lib/v3_contracts.json"
SHA256 = "684da4fd2dd8a825c9a618081b23ae141be4712a6f0446aed15668e1f223ce96"


def packed() -> bytes:
    """Return V3's contracts as one JSON text, from ocean-contracts or from an earlier build.

    Raises:
        SetupError: neither is there, or it is not what it was.
    """
    try:
        package = distribution("ocean-contracts")
    except PackageNotFoundError:
        package = None
    if package is not None and package.version == RELEASE:
        text = _packed_from(Path(str(package.locate_file("artifacts"))))
    elif Path(FILE).is_file():
        text = Path(FILE).read_bytes()
    else:
        found = f"version {package.version} is installed" if package else "it is not installed"
        raise SetupError(
            f"V3's contracts are packed from ocean-contracts {RELEASE}, and {found}. Build with "
            f"isolation (pip's default), or install ocean-contracts=={RELEASE} for the build."
        )
    if hashlib.sha256(text).hexdigest() != SHA256:
        raise SetupError(f"{FILE} would not hold the contracts of ocean-contracts {RELEASE}.")
    return text


def _packed_from(folder: Path) -> bytes:
    whole = {name: json.loads((folder / f"{name}.json").read_bytes()) for name in CONTRACTS}
    contracts = {name: {key: whole[name][key] for key in KEYS} for name in CONTRACTS}
    origin = f"ocean-contracts {RELEASE} (Apache-2.0), Ocean Protocol Foundation"
    document = {"origin": origin, "contracts": contracts}
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


class PackContracts(Command):
    """Write V3's contracts into what is built."""

    user_options: list[tuple[str, str, str]] = []  # noqa: RUF012 - distutils' own way
    editable_mode = False

    def initialize_options(self) -> None:
        """Set what setuptools fills in."""
        self.build_lib = None

    def finalize_options(self) -> None:
        """Take the folder that the build writes to."""
        self.set_undefined_options("build_py", ("build_lib", "build_lib"))

    def run(self) -> None:
        """Write the file."""
        place = Path(FILE if self.editable_mode else self._target)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(packed())

    def get_outputs(self) -> list[str]:
        """Return what is written."""
        return [self._target]

    def get_output_mapping(self) -> dict[str, str]:
        """Return where it lies where the sources are used themselves."""
        return {self._target: FILE} if self.editable_mode else {}

    def get_source_files(self) -> list[str]:
        """Return the sources: none are of this project."""
        return []

    @property
    def _target(self) -> str:
        return str(Path(self.build_lib) / FILE)


class Build(build):
    """The build, with V3's contracts."""

    sub_commands = [*build.sub_commands, ("pack_contracts", None)]  # noqa: RUF012


setup(cmdclass={"build": Build, "pack_contracts": PackContracts})
