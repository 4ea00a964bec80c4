"""What can be published: metadata, services, and the data token that goes with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ocean_lib.backends.v3.rules import ORDERABLE, price_base
from ocean_lib.checks import check_address, check_url, is_json, printable
from ocean_lib.common.ddo.service import Service
from ocean_lib.exceptions import InvalidInput
from ocean_lib.models.amounts import Amount
from ocean_lib.models.data_token import DataToken
from ocean_lib.ocean.util import to_base_18

_MAX_UINT256 = 2**256 - 1
_ASSET_TYPES = ("dataset", "algorithm")


@dataclass(frozen=True)
class TokenChoice:
    """The data token to use, or how to make a new one.

    Attributes:
        address: the one to use; None: a new one.
        owner_address: is proposed as minter of a new one; None: nobody.
        name: of a new one; "": the asset's.
        symbol: of a new one; "": its name.
        blob: any text to keep with a new one.
        cap_base: the most tokens ever of a new one, in the smallest unit.
    """

    address: str | None
    owner_address: str | None
    name: str
    symbol: str
    blob: str
    cap_base: int


def token_choice(
    data_token_address: str | None,
    owner_address: str | None,
    dt_name: str | None,
    dt_symbol: str | None,
    dt_blob: str | None,
    dt_cap: Amount | None,
) -> TokenChoice:
    """Check the arguments of `OceanAssets.create` that are about the data token.

    Raises:
        InvalidInput: one of them cannot be used; the message names it.
    """
    return TokenChoice(
        _address("data_token_address", data_token_address),
        _address("owner_address", owner_address),
        _text("dt_name", dt_name),
        _text("dt_symbol", dt_symbol),
        _text("dt_blob", dt_blob),
        _cap_base(dt_cap),
    )


def _address(name: str, value: str | None) -> str | None:
    return None if value is None or value == "" else check_address(value, name=name)


def _text(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str) and value == value.encode("utf-8", "ignore").decode():
        return value
    raise InvalidInput(f"{name} must be text that UTF-8 can hold, or None, got {printable(value)}.")


def _cap_base(cap: Amount | None) -> int:
    if cap is None:
        return DataToken.DEFAULT_CAP_BASE
    try:
        base = to_base_18(cap)
    except InvalidInput as error:
        raise InvalidInput(f"dt_cap must be an amount of tokens: {error}") from None
    if 0 < base <= _MAX_UINT256:
        return base
    raise InvalidInput(
        "dt_cap must be more than 0, or nobody could order, and no more than a token contract can "
        f"hold, got {printable(str(cap))}."
    )


def check_metadata(metadata: Any) -> list[dict[str, Any]]:
    """Return the metadata's files.

    Raises:
        InvalidInput: it is no dict with `main`, `type`, `name` and files that have a URL.
    """
    main = metadata.get("main") if isinstance(metadata, dict) else None
    if not isinstance(main, dict):
        raise InvalidInput("The metadata must be a dict with a dict 'main'.")
    if main.get("type") not in _ASSET_TYPES:
        raise InvalidInput(
            f"metadata['main']['type'] must be one of {', '.join(_ASSET_TYPES)}, "
            f"got {printable(main.get('type'))}."
        )
    if not isinstance(main.get("name"), str) or not main["name"]:
        raise InvalidInput("metadata['main']['name'] must be the asset's name.")
    files = main.get("files")
    if not isinstance(files, list) or not files:
        raise InvalidInput("metadata['main']['files'] must be a list of at least one file.")
    for index, file in enumerate(files):
        if not isinstance(file, dict):
            raise InvalidInput(f"metadata['main']['files'][{index}] must be a dict with a url.")
        check_url(file.get("url"), name=f"metadata['main']['files'][{index}]['url']")
        if holds_url({name: value for name, value in file.items() if name != "url"}):
            raise InvalidInput(
                f"metadata['main']['files'][{index}] holds a URL beside `url`, which everybody "
                "could read on the chain. Leave it out."
            )
    return list(files)


def files_in(attributes: Any) -> list[Any]:
    """Return what stands in metadata as its files."""
    main = attributes.get("main") if isinstance(attributes, dict) else None
    files = main.get("files") if isinstance(main, dict) else None
    return files if isinstance(files, list) else [files]


def holds_url(value: Any) -> bool:
    """Tell whether a list of files names a place anywhere, which only its Provider should know."""
    if isinstance(value, dict):
        return any(
            (str(name).lower() == "url" and item) or holds_url(item) for name, item in value.items()
        )
    if isinstance(value, (list, tuple)):
        return any(map(holds_url, value))
    return isinstance(value, str) and "://" in value


def check_service(service: Service) -> None:
    """Check that a service can be published, and used then.

    Raises:
        InvalidInput: it has no `main`, or holds what is no JSON; or it is to be ordered, and
            names no URL, or no price that can be paid.
    """
    _ = service.main
    if not is_json(service.attributes):
        raise InvalidInput(
            f"The attributes of the '{service.type}' service must hold JSON values only: text, "
            "int, finite float, list, dict."
        )
    if service.type in ORDERABLE:
        check_url(service.service_endpoint, name=f"serviceEndpoint of the '{service.type}' service")
        price_base(service)


def access_attributes(
    date_created: Any, cost: Any, address: str, timeout: int = 3600
) -> dict[str, Any]:
    """Return the attributes of an access service; see `OceanAssets.build_access_service`."""
    return {
        "main": {
            "name": "dataAssetAccessServiceAgreement",
            "creator": address,
            "cost": cost,
            "timeout": timeout,
            "datePublished": date_created,
        }
    }
