"""Assets by description: published from one, and described again as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ocean_lib.assets.asset import Asset
from ocean_lib.base.tables import html_table
from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.common.utils.utilities import get_timestamp
from ocean_lib.documents.ddo1 import (
    TRUSTED,
    credentials_of,
    metadata_of,
    service_attributes,
)
from ocean_lib.documents.description import Description, read_description
from ocean_lib.documents.dialects import Dialect
from ocean_lib.documents.format import FORMAT, defaults
from ocean_lib.documents.local_files import LocalFiles
from ocean_lib.documents.publishable import TokenChoice, token_choice
from ocean_lib.documents.publishing import Access
from ocean_lib.documents.search import AssetSearch
from ocean_lib.documents.trust import TrustDoctor
from ocean_lib.http.redaction import one_line
from ocean_lib.ocean.util import from_base_18, to_base_18
from ocean_lib.web3_internal.signer import check_signer, signer_address


@dataclass(frozen=True)
class ShownAsset:
    """An asset as it is published now.

    Attributes:
        did: the asset.
        asset_type: `dataset` or `algorithm`.
        publisher: its publisher's address.
        data_token: the address of its data token.
        services: what can be ordered: `index`, `type`, `price` (data tokens, as decimal text) and
            `timeout` (seconds).
        files: the content type of each file; where they lie is encrypted.
        description: as `publish` takes it, all but the files: what is not there is as it is
            for every asset.
    """

    did: str
    asset_type: str
    publisher: str
    data_token: str
    services: tuple[dict[str, Any], ...]
    files: tuple[str, ...]
    description: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return it as a dict that JSON can hold."""
        return {
            "did": self.did,
            "type": self.asset_type,
            "publisher": self.publisher,
            "data_token": self.data_token,
            "services": list(self.services),
            "files": list(self.files),
            "description": self.description,
        }

    def __str__(self) -> str:
        """Return it as the text of a description: to be changed, and given to `change`."""
        import yaml

        offered = (f"service {s['index']}, {s['type']}, at {s['price']}" for s in self.services)
        about = [
            ("", self.did),
            ("publisher ", self.publisher),
            ("data token ", self.data_token),
            *(("", text) for text in offered),
            *([("files, encrypted: ", ", ".join(self.files))] if self.files else []),
        ]
        head = "".join(f"# {name}{one_line(text)}\n" for name, text in about)
        body = yaml.safe_dump(self.description, sort_keys=False, allow_unicode=True, width=100)
        return head + str(body)

    def _repr_html_(self) -> str:
        rows = [(name, value) for name, value in self.as_dict().items() if name != "description"]
        return html_table([*rows, *self.description.items()])


class DescribedAssets:
    """The part of `OceanAssets` that publishes from descriptions, and describes.

    Args:
        config: names the Provider.
        data_provider: knows its endpoints.
        search: knows the metadata cache.
        publishing: puts documents on the chain.
        trust: makes the entries of trust lists.
        dialect: knows the documents.
    """

    def __init__(
        self,
        config: Any,
        data_provider: Any,
        search: AssetSearch,
        publishing: Any,
        trust: TrustDoctor,
        dialect: Dialect,
    ) -> None:
        self._config = config
        self._data_provider = data_provider
        self._search = search
        self._publishing = publishing
        self._trust = trust
        self.dialect = dialect
        self.local_files = LocalFiles(config)

    def publish(
        self, given: object, wallet: Any, wait_s: float, asset_type: str | None = None
    ) -> Asset:
        """Publish a new asset from its description; see `OceanAssets.publish`."""
        creator = signer_address(check_signer(wallet))
        description = read_description(given, asset_type, self.dialect.faults)
        self._search.aquarius()  # a network that takes no documents says so first
        self.local_files.check(description.files)
        values = dict(description.values)
        if TRUSTED in values:
            values[TRUSTED] = self._trust.entries(values[TRUSTED])
        urls = self.local_files.urls_of(description.files)
        created = get_timestamp()
        endpoints = self.endpoints()
        services = service_attributes(values, creator, created)
        asset: Asset = self._publishing.create(
            metadata_of(description, urls, created),
            wallet,
            [
                (name, {"attributes": attributes, "serviceEndpoint": endpoints[name]})
                for name, attributes in services.items()
            ],
            _token_of(description),
            None,
            wait_s,
            Access(credentials_of(values), values["disabled"]),
        )
        return asset

    def show(self, did: str) -> ShownAsset:
        """Describe an asset as it is published now; see `OceanAssets.show`."""
        asset, dialect = self._search.resolve(did), self.dialect
        offered = [s for s in asset.services if s.type != ServiceTypes.METADATA]
        return ShownAsset(
            str(asset.did),
            dialect.type_of(asset),
            str(asset.publisher),
            asset.data_token_address,
            tuple(
                {
                    "index": service.index,
                    "type": service.type,
                    "price": dialect.price_of(asset, service),
                    "timeout": service.main.get("timeout"),
                }
                for service in offered
            ),
            dialect.files_of(asset),
            described(asset, dialect),
        )

    def endpoints(self) -> dict[str, str]:
        """Return where the configured Provider offers each service."""
        provider_url = str(self._data_provider.get_url(self._config))
        _, download = self._data_provider.build_download_endpoint(provider_url)
        return {
            ServiceTypes.ASSET_ACCESS: str(download),
            ServiceTypes.CLOUD_COMPUTE: provider_url,
        }


def described(asset: Asset, dialect: Dialect) -> dict[str, Any]:
    """Return an asset's description, all but its files and what is as it is by default.

    Raises:
        InvalidInput: the document cannot be read.
    """
    asset_type = dialect.type_of(asset)
    values, usual = dialect.values_of(asset), defaults(asset_type)
    token = token_info(asset)
    values |= {f"token.{k}": token[k] for k in ("name", "symbol", "cap") if k in token}
    nested: dict[str, Any] = {"type": asset_type}
    for field in FORMAT[asset_type]:
        if field.may_be_false and not values.get(field.name):
            nested[field.name] = False
        elif field.fields and not field.each:
            inner = {
                name.name: values[path]
                for name in field.fields
                if (path := f"{field.name}.{name.name}") in values
                and values[path] != usual.get(path)
            }
            if inner:
                nested[field.name] = inner
        elif field.name in values and values[field.name] != usual.get(field.name):
            nested[field.name] = values[field.name]
    return nested


def token_info(asset: Asset) -> dict[str, Any]:
    """Return what the metadata cache tells of an asset's data token; {} if nothing."""
    told = asset.values.get("dataTokenInfo")
    return told if isinstance(told, dict) else {}


def _token_of(description: Description) -> TokenChoice:
    values: Mapping[str, Any] = description.values
    cap = from_base_18(to_base_18(values["token.cap"]))  # exactly, as it goes to the chain
    return token_choice(
        values["token.address"] or None,
        None,
        values["token.name"],
        values["token.symbol"],
        None,
        f"{cap:f}",
    )
