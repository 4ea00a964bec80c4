"""Exchanges recorded from ocean-lib 0.5.25 with Provider 0.4.12 and Aquarius 2.2.12.

Where they come from and what they show: docs/protocol.md. The keys are public and worthless.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

FOLDER = Path(__file__).parent / "provider-v3"
PROVIDER_KEY = "0xef4b441145c1d0f3b4bc6d61d29f5c6e502359481152f869247c7a4244d45209"
PUBLISHER_KEY = "0x5d75837394b078ce97bc289fa8d75e21000573520bfa7784a9d28ccaae602bf8"
CONSUMER_KEY = "0x8467415bb2ba7c91084d932276214b11a3dd9bdb2930fefa194b666dd8020b99"
HOSTS = {"provider": "http://127.0.0.1:28031", "aquarius": "http://127.0.0.1:28501"}


def load(name: str) -> dict[str, Any]:
    """Return one client call and its exchanges."""
    recording: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return recording


def errors() -> list[dict[str, Any]]:
    """Return the 113 requests to the real Provider and their answers."""
    cases: list[dict[str, Any]] = json.loads((FOLDER / "errors.json").read_text())
    return cases


def exchange(recording: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    """Return the last exchange of a recording with this method and path."""
    found = [
        e
        for e in recording["exchanges"]
        if e["method"] == method and urlsplit(e["target"]).path.startswith(path)
    ]
    return found[-1]


def query(target: str) -> dict[str, str]:
    """Return the decoded parameters of a request."""
    return dict(parse_qsl(urlsplit(target).query, keep_blank_values=True))
