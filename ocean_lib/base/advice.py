"""Advice as data: a code and its values. Whoever shows it puts it into words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

WORDS = {
    "order-first": "Order it first, with assets.buy; or start with pay=True.",
    "order-then": "Order it with assets.buy, then {then}.",
    "check-order": (
        "Check the transaction, the service index and the wallet; or order again, with assets.buy."
    ),
    "get-datatokens": (
        "Ask {publisher}, the asset's publisher, for {amount} more for {account}: publishers give "
        "their datatokens away or sell them, also on a market."
    ),
    "mint-datatokens": (
        "The wallet is the publisher's: make {amount} more with "
        "ocean.get_data_token({token!r}).mint_tokens({account!r}, {amount}, wallet)."
    ),
    "add-trust": (
        "Ask the data set's publisher to add the algorithm: "
        "assets.trust({dataset!r}, {algorithm!r}, wallet); or {instead}."
    ),
    "add-own-trust": "To add it, call assets.trust({dataset!r}, {algorithm!r}, wallet).",
    "renew-trust": (
        "Ask the data set's publisher to look at the change and to renew the entry: "
        "assets.refresh_trust({dataset!r}, {algorithm!r}, wallet)."
    ),
    "repair-trust-list": (
        "Ask the data set's publisher to repair the list (Asset.update_compute_privacy)."
    ),
    "check-algorithm": "Check algorithm_did.",
    "no-code": "algorithm_meta has no code: give it `rawcode` (the text) or `url` (where it lies).",
    "find-started-job": (
        "Look again before starting a second job: list the wallet's jobs with "
        "compute.jobs(wallet, {did!r}) and find agreementId {order_tx}."
    ),
    "find-marked-job": (
        "Look again before starting a second job: list the wallet's jobs with compute.jobs(wallet) "
        "and find {key} {marker} in a job's metadata."
    ),
    "saved-job": "Pass what ComputeJob.to_dict() returned.",
    "no-output": (
        "If it runs, wait for it with job.wait(); if it has ended, it made none (see job.logs()), "
        "or the Provider has deleted it."
    ),
    "new-link": "The link may have expired: get a new one with job.result().",
    "allow-more": (
        "Allow more (max_bytes), or use download, which writes to disk as it comes. What no "
        "length is announced for has the limit downloads.max_bytes of the config."
    ),
    "check-metadata-cache": (
        "Check metadata_cache_uri: it must be the URL of a metadata cache (Aquarius 2.x)."
    ),
    "metadata-cache-fault": (
        "Try again later, or ask its operator; if it never worked: Check metadata_cache_uri: it "
        "must be the URL of a metadata cache (Aquarius 2.x)."
    ),
    "check-metadata-cache-again": "Check metadata_cache_uri in the config, and check again.",
    "list-environments": "compute.environments() lists what there is.",
    "fill-escrow": "submit(..., pay=True, max_cost=...) does both, as does quote(...).pay(wallet).",
    "published-data": (
        "Give it ComputeInputs, at least one. A FileInput is for an Ocean Node; set provider.url "
        "to one."
    ),
    "round-amount": "Round it first, with decimal.Decimal.quantize.",
}
"""The library's words, which name its calls; the command line has its own for the same codes."""


@dataclass(frozen=True)
class Advice:
    """What to do next.

    Attributes:
        code: names the advice; it stays the same when its words change.
        values: what it is about, such as DIDs, by name.
    """

    code: str
    values: Mapping[str, str] = field(default_factory=dict, hash=False)

    @classmethod
    def of(cls, code: str, **values: str) -> Advice:
        """Return the advice of this code about these values."""
        return cls(code, values)

    def __str__(self) -> str:
        """Return the advice in the library's words."""
        return self.in_words(WORDS)

    def in_words(self, words: Mapping[str, str]) -> str:
        """Return the advice in these words, or in the library's where they lack its code.

        Args:
            words: a text with the values' names in braces, by code.
        """
        return words.get(self.code, WORDS[self.code]).format(**self.values)
