"""Which rules a Provider applies, as far as Providers differ."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ocean_lib.preflight.findings import Finding

_PUBLISHERS_SINCE = (0, 4, 13)
_V4_SINCE = (1, 0, 0)


@dataclass(frozen=True)
class ProviderRules:
    """The rules that not every Provider has; by default all of them.

    Attributes:
        name: the Provider, in words.
        reads_publishers: `publisherTrustedAlgorithmPublishers` counts.
        reads_algorithm_access: status and lists of an ordered algorithm count at the start.
        compares_tokens: an order must be paid in the asset's own data token.
    """

    name: str = "The Provider"
    reads_publishers: bool = True
    reads_algorithm_access: bool = True
    compares_tokens: bool = True

    def warned(self, finding: Finding) -> Finding:
        """Return a refusal as a warning: this Provider starts the job, others refuse it."""
        what = f"{finding.what} {self.name} still starts the job; other Providers refuse it."
        return dataclasses.replace(finding, severity="warning", what=what)


ALL_RULES = ProviderRules()


def rules_of_provider(document: Mapping[str, Any]) -> ProviderRules:
    """Return the rules of a Provider.

    Args:
        document: its discovery document (`GET /`). Any Provider but the published V3 one is assumed
            to have all rules.
    """
    found = re.fullmatch(r"(\d{1,4})\.(\d{1,4})\.(\d{1,4})", str(document.get("version")))
    version = tuple(map(int, found.groups())) if found else _V4_SINCE
    is_published = document.get("software") == "Provider" and "embeddedNetwork" not in document
    if not is_published or version >= _V4_SINCE:
        return ALL_RULES
    return ProviderRules(
        name=f"Provider {document['version']}",
        reads_publishers=version >= _PUBLISHERS_SINCE,
        reads_algorithm_access=False,
        compares_tokens=False,
    )
