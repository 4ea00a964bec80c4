"""The only doorway from the command line to the embedded network."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocean_lib.cli._exit_codes import CommandError, ExitCode
from ocean_lib.cli._keys import KeySources, address_in_keystore
from ocean_lib.cli._network_config import keep_config
from ocean_lib.exceptions import ConfigError
from ocean_lib.http import safe_json

if TYPE_CHECKING:
    from ocean_lib.config import Config
    from ocean_lib.localnet import LocalNetwork

WALLET_PASSWORD = "localnet"  # noqa: S105  (keys.json beside it has the keys in clear)
ROLES = ("publisher", "consumer")
_SECTION, _STATE = "localnet", "state"


def make_network(state: Path | None, **options: Any) -> LocalNetwork:
    """Return a network that is not started yet.

    Raises:
        CommandError: the extra is not installed, or an option cannot be used.
    """
    try:
        from ocean_lib.localnet import LocalNetwork, LocalNetworkError
    except ModuleNotFoundError as error:
        raise CommandError(str(error), ExitCode.ERROR) from None
    try:
        return LocalNetwork(state, **options)
    except LocalNetworkError as error:
        raise CommandError(str(error), _code_of(error)) from None


def start(network: LocalNetwork) -> None:
    """Start a network.

    Raises:
        CommandError: it cannot start.
    """
    from ocean_lib.localnet import LocalNetworkError

    try:
        network.start()
    except LocalNetworkError as error:
        raise CommandError(str(error), _code_of(error)) from None


def _code_of(error: Exception) -> ExitCode:
    from ocean_lib.localnet.chain import ChainUnreachableError
    from ocean_lib.localnet.errors import BadOption

    if isinstance(error, BadOption):
        return ExitCode.USAGE
    away = isinstance(error.__cause__, ChainUnreachableError)
    return ExitCode.UNREACHABLE if away else ExitCode.ERROR


def write_config(network: LocalNetwork, say: Callable[[str], None]) -> Path:
    """Keep a config for the other commands in the network's folder; return its file.

    Args:
        network: a running network.
        say: is told what is not as usual.
    """
    # The folder holds keys and private data, and may lie in somebody's repository.
    ignore = network.state_dir / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    options = {**network.options, _SECTION: {_STATE: str(network.state_dir)}}
    return keep_config(network.state_dir, options, say)


def write_wallets(network: LocalNetwork) -> dict[str, dict[str, str]]:
    """Write a keystore for a publisher and a consumer; return their addresses and files.

    Raises:
        CommandError: what stands in the place of one is no keystore.
    """
    folder = network.state_dir / "wallets"
    folder.mkdir(mode=0o700, exist_ok=True)
    wallets = {}
    for role, account in zip(ROLES, network.accounts, strict=False):
        path, address = folder / f"{role}.json", str(account.address)
        if path.exists():
            address = _address_in(path)  # another one, if its user put it there
        else:
            # Quick to open: the keys protect play money, and lie in clear next to it.
            keystore = account.encrypt(WALLET_PASSWORD, kdf="pbkdf2", iterations=1000)
            unfinished = path.with_name(f"{path.name}.part")
            unfinished.unlink(missing_ok=True)
            write_private(unfinished, json.dumps(keystore))
            unfinished.replace(path)
        wallets[role] = {"address": address, "keystore": str(path)}
    return wallets


def _address_in(path: Path) -> str:
    address = address_in_keystore(KeySources(path)) if path.is_file() else None
    if address is None:
        if _is_keystore(path):
            return ""  # one need not name its address
        raise CommandError(
            f"{path} is no keystore. Move it away, and start again: it is written anew.",
            ExitCode.ERROR,
        )
    return address


def _is_keystore(path: Path) -> bool:
    try:
        content = safe_json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and any(str(name).lower() == "crypto" for name in content)


def write_private(path: Path, text: str) -> None:
    """Write a new file that only its owner can read.

    Raises:
        FileExistsError: there is one already; it is not touched.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


def publish_local_file(config: Config, path: Path) -> str:
    """Put a file where the embedded network's Provider can read it; return its URL.

    Raises:
        ConfigError: the config is of another network.
    """
    state = config.get(_SECTION, _STATE, fallback="")
    if not state or not Path(state).is_dir():
        raise ConfigError(
            f"{path} is a file of this machine, which only the embedded network's Provider can "
            "read. Put it where your Provider can fetch it, and give its URL; or use the config "
            "that `ocean-compute localnet` writes."
        )
    from ocean_lib.localnet.files.access import FileStore

    return config.provider_url.rstrip("/") + FileStore(Path(state) / "files").add(path, path.name)
