"""Whether an asset may be consumed: the codes, and the errors that go with them."""

from __future__ import annotations

from ocean_lib.exceptions import AssetNotConsumable, MalformedCredential

__all__ = ["AssetNotConsumable", "ConsumableCodes", "MalformedCredential"]


class ConsumableCodes:
    """Why an asset can or cannot be consumed; the Provider uses the same numbers."""

    OK = 0
    ASSET_DISABLED = 1
    CONNECTIVITY_FAIL = 2
    CREDENTIAL_NOT_IN_ALLOW_LIST = 3
    CREDENTIAL_IN_DENY_LIST = 4
