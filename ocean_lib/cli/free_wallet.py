"""The wallet of whoever has none: made once, kept on this machine, for jobs that cost nothing."""

from __future__ import annotations

import json
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ocean_lib.base.frames import forgets_locals
from ocean_lib.checks import parse_json
from ocean_lib.cli.embedded import write_private
from ocean_lib.exceptions import InvalidInput, WalletError

if TYPE_CHECKING:
    from ocean_lib.web3_internal.wallet import Wallet

_ABOUT = (
    "The wallet of ocean-compute for free jobs. Its key is not encrypted: put no money there. Who "
    "has this file can read and stop its jobs; who loses it cannot fetch their results any more."
)


def free_wallet_file() -> Path:
    """Return where the wallet is kept: in the user's data folder, by the platform's rules."""
    home = Path.home()
    if sys.platform == "win32":
        data = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        data = home / "Library" / "Application Support"
    else:
        named = Path(os.environ.get("XDG_DATA_HOME") or "")
        data = named if named.is_absolute() else home / ".local" / "share"
    return data / "ocean-compute" / "free-wallet.json"


@forgets_locals
def make(path: Path) -> bool:
    """Make a wallet, for its owner alone to read, unless there is one.

    Of processes that do so at the same time one makes it, and the others find it whole.

    Args:
        path: where it is kept.

    Returns:
        Whether it was made.

    Raises:
        WalletError: it cannot be kept there.
    """
    from ocean_lib.web3_internal.wallet import Wallet

    if path.exists():
        return False
    made = Wallet.create()
    kept = {"about": _ABOUT, "address": made.address, "private_key": made.unsafe_private_key()}
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(unfinished, json.dumps(kept, indent=2) + "\n")
        try:
            return _place(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
    raise WalletError(
        f"There is no wallet, and none for free jobs can be kept in {path}: {reason}. Name one "
        "with --keystore; `ocean-compute wallet new` makes it."
    )


def _place(unfinished: Path, path: Path) -> bool:
    """Give a file its name, unless another one has it; tell whether it did."""
    try:
        if os.name == "nt":
            unfinished.rename(path)  # replaces nothing there
        else:
            path.hardlink_to(unfinished)
    except FileExistsError:
        return False
    return True


@forgets_locals
def read(path: Path) -> Wallet:
    """Return the wallet that is kept in a file.

    Raises:
        WalletError: it is not such a file.
    """
    from ocean_lib.web3_internal.wallet import Wallet

    reason = "it is not a wallet for free jobs"
    try:
        kept = parse_json(path.read_bytes())
        return Wallet(None, private_key=kept["private_key"], address=kept["address"])
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except (ValueError, KeyError, TypeError, InvalidInput):  # their words may hold the key
        pass
    raise WalletError(f"{path} cannot be used: {reason}. Move it away, or name another wallet.")
