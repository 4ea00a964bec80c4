"""The only doorway from the command line to the embedded network, and the files it keeps there."""

from __future__ import annotations

import configparser
import hashlib
import io
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocean_lib.base.text_files import read_text
from ocean_lib.checks import parse_json
from ocean_lib.cli.asking import KeySources, address_in_keystore
from ocean_lib.cli.errors import CommandError, ExitCode

if TYPE_CHECKING:
    from ocean_lib.localnet import LocalNetwork

WALLET_PASSWORD = "localnet"  # noqa: S105  (keys.json beside it has the keys in clear)
ROLES = ("publisher", "consumer")
Sections = Mapping[str, Mapping[str, Any]]

_HEAD = "# `ocean-compute localnet` renews this file at each start, until somebody changes it.\n"
_MARK = "# As written: "


def make_network(
    state: Path | None,
    *,
    node_rate_limit: int | None = None,
    runner_options: Sequence[str] = (),
    **options: Any,
) -> LocalNetwork:
    """Return a network that is not started yet.

    Args:
        state: where it keeps everything; None for nowhere.
        node_rate_limit: how many requests a minute a node answers; None for any number.
        runner_options: each as `NAME=VALUE`.
        options: of `LocalNetwork`.

    Raises:
        CommandError: the extra is not installed, or an option cannot be used.
    """
    try:
        from ocean_lib.localnet import LocalNetwork, LocalNetworkError, NodeOptions
        from ocean_lib.localnet.__main__ import runner_options as read_options
    except ModuleNotFoundError as error:
        raise CommandError(str(error), ExitCode.ERROR) from None
    node = None if node_rate_limit is None else NodeOptions(rate_limit=node_rate_limit)
    try:
        asked = read_options(runner_options)
        return LocalNetwork(state, node=node, runner_options=asked, **options)
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
    return keep_config(network.state_dir, network.options, say)


def write_wallets(network: LocalNetwork) -> dict[str, dict[str, str]]:
    """Write a keystore for a publisher and a consumer; return their addresses and files.

    Raises:
        CommandError: what is in the place of one is not a keystore.
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
            f"{path} is not a keystore. Move it away and restart; a new one will be written.",
            ExitCode.ERROR,
        )
    return address


def _is_keystore(path: Path) -> bool:
    try:
        content = parse_json(path.read_bytes())
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


def keep_config(folder: Path, options: Sections, say: Callable[[str], None]) -> Path:
    """Keep a config in a network's folder, and return the file that leads to the network.

    Args:
        folder: the network's.
        options: the config's sections, and their options.
        say: is told when a changed file does not lead to this network, and another one does.

    Returns:
        `config.ini`; or `config.ini.new` beside it, where that was changed and leads elsewhere.
    """
    path = folder / "config.ini"
    wanted = _parser(options)
    if path.is_symlink() or path.exists():
        text = _text_of(path)
        if not _is_as_written(text) or path.is_symlink():
            if _leads_there(text, wanted):
                return path
            new = path.with_name("config.ini.new")
            say(
                f"{path} was edited and points at another network: it is kept, and the "
                f"config of this network is {new}. Delete {path.name} to have it written again."
            )
            path = new
    _write(path, wanted)
    return path


def _parser(options: Sections) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    for section, values in options.items():
        parser[section] = {name: str(value).replace("%", "%%") for name, value in values.items()}
    return parser


def _text_of(path: Path) -> str:
    try:
        return read_text(path)
    except (OSError, ValueError):  # a folder, a link to nowhere, some other file
        return ""


def _is_as_written(text: str) -> bool:
    mark, _, body = text.removeprefix(_HEAD).partition("\n")
    return text.startswith(_HEAD) and mark == _MARK + _digest(body)


def _leads_there(text: str, wanted: configparser.ConfigParser) -> bool:
    found = configparser.ConfigParser(interpolation=None)
    try:
        found.read_string(text)
    except configparser.Error:
        return False
    return all(
        found.get(section, name, fallback=None) == value
        for section in wanted.sections()
        for name, value in wanted.items(section)
    )


def _write(path: Path, parser: configparser.ConfigParser) -> None:
    text = io.StringIO()
    parser.write(text)
    body = text.getvalue()
    unfinished = path.with_name(f"{path.name}.part")
    unfinished.write_text(f"{_HEAD}{_MARK}{_digest(body)}\n{body}", encoding="utf-8")
    unfinished.replace(path)


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:16]
