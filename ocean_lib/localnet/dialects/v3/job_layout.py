"""A V3 job's folder, as operator-engine lays it out: inputs by DID, the environment of pods."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from ocean_lib.localnet.dialects.v3.assets import compact_json
from ocean_lib.localnet.jobs.store import InputFiles, JobRequest

_FOLDERS = MappingProxyType(
    {
        "VOLUME": "",
        "INPUTS": "inputs",
        "OUTPUTS": "outputs",
        "LOGS": "logs",
        # Community algorithms look for these two.
        "ROOT_FOLDER": "",
        "rootFolder": "",
    }
)


class V3Layout:
    """The folders and variables of V3."""

    algorithm = "transformations/algorithm"

    def input_files(self, asset: InputFiles) -> Iterable[tuple[str, str]]:
        """Tell the path and the URL of each of an asset's files: its number, below its DID."""
        for index, url in enumerate(asset.urls):
            yield f"inputs/{_short(asset.did)}/{index}", url

    def documents(self, asset: InputFiles) -> Mapping[str, str]:
        """Return the text of the asset's DDO, by its path."""
        return {f"ddos/{asset.did}": compact_json(asset.ddo)}

    def variables(self, request: JobRequest) -> Mapping[str, str]:
        """Return the DIDs without their prefix, and a random value of this job."""
        return {
            "DIDS": json.dumps([_short(asset.did) for asset in request.inputs]),
            "TRANSFORMATION_DID": _short(request.algorithm.did),
            "secret": secrets.token_hex(16),
        }

    def folder_variables(self) -> Mapping[str, str]:
        """Return the variables that name folders."""
        return _FOLDERS


def _short(did: str) -> str:
    return did.removeprefix("did:op:")
