"""Which Providers get signatures: only those that the user has chosen, whatever an asset names.

A text signed for V3 does not name the Provider, so whoever gets a signature can use it at every
other one (see docs/security.md).
"""

from __future__ import annotations

from typing import Any

from ocean_lib.exceptions import ProviderNotTrusted
from ocean_lib.http.origins import Origin, entries_of, origin_of


def check_trusted(config: Any, url: str, did: str = "") -> None:
    """Check, before anything is signed, that a signature may go to this URL.

    Args:
        config: a `Config`.
        url: where the signed call will be sent.
        did: the asset that names the server, '' if none does.

    Raises:
        ProviderNotTrusted: the config does not name the server there.
    """
    origin = origin_of(url)
    chosen = origin_of(config.provider_url) if config.provider_url else None
    if chosen is not None and _is_meant(chosen, origin):
        return
    trusted = config.trusted_providers
    if any(entry.covers(origin) for entry in entries_of(trusted)):
        return
    wanted = f"{trusted}, {origin}" if trusted else str(origin)
    named = ", ".join(filter(None, (chosen and str(chosen), trusted)))
    who = f"asset {did} names" if did else "the call is for"
    raise ProviderNotTrusted(
        f"Nothing was signed: {who} the Provider {origin}, and the config names "
        f"{f'only {named}' if named else 'none'}. Whoever gets a signature can use it at every "
        "Provider, to stop the wallet's jobs or to read their results. If you trust this one, put "
        f"into [resources] of the config: provider.trusted = {wanted}",
        origin=str(origin),
        did=did,
        trusted=wanted,
    )


def _is_meant(chosen: Origin, origin: Origin) -> bool:
    # On this machine, every server counts as the user's own.
    return chosen.covers(origin) or (chosen.is_loopback and origin.is_loopback)
