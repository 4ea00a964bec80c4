"""The checksum of a DDO's proof, and timestamps."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any


def checksum(seed: Mapping[str, Any]) -> str:
    """Return the SHA3-256 that a DDO's proof holds for one service, in hex.

    The bytes are part of the protocol: the JSON text with the outermost keys sorted and *every*
    blank taken out, those inside of values too.

    Args:
        seed: a service's `main` attributes.
    """
    text = json.dumps(dict(sorted(seed.items()))).replace(" ", "")
    return hashlib.sha3_256(text.encode("utf-8")).hexdigest()


def get_timestamp() -> str:
    """Return the time now in UTC, in whole seconds, as `2021-06-24T10:00:00Z`."""
    now = datetime.now(timezone.utc).replace(microsecond=0, tzinfo=None)
    return f"{now.isoformat()}Z"
