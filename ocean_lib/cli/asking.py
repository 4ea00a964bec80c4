"""What a user is asked: for the key or its password, and whether a Provider is trusted.

A key is never an argument: it comes from a keystore file, the environment or a hidden prompt.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from ocean_lib.base.frames import forgets_locals
from ocean_lib.base.text_files import encoding_of, read_text, why_unreadable
from ocean_lib.checks import parse_json
from ocean_lib.exceptions import ConfigError, InvalidInput, ProviderNotTrusted, WalletError

if TYPE_CHECKING:
    from ocean_lib.config import Config
    from ocean_lib.web3_internal.wallet import Wallet

KEY_VARIABLE = "OCEAN_PRIVATE_KEY"
KEYSTORE_VARIABLE = "OCEAN_KEYSTORE"
PASSWORD_VARIABLE = "OCEAN_WALLET_PASSWORD"  # noqa: S105  (a name)

_SECTION = re.compile(r"\s*\[(?P<name>[^\]]+)\]")
_OPTION = re.compile(r"(?P<head>provider\.trusted\s*[=:])[ \t]*(?P<value>.*)", re.IGNORECASE)


@dataclass
class KeySources:
    """What the options say about the key.

    Attributes:
        keystore: --keystore, of the command line only.
        password_file: --password-file.
        free: opens the wallet for free jobs, where the command may use it.
    """

    keystore: Path | None = None
    password_file: Path | None = None
    free: Callable[[], Wallet] | None = None

    def are_named(self) -> bool:
        """Tell whether somebody said which wallet to use."""
        return self.file() is not None or bool(os.environ.get(KEY_VARIABLE))

    def file(self) -> Path | None:
        """Return the keystore to use, None if the key comes from elsewhere.

        Raises:
            WalletError: the environment names two.
        """
        if self.keystore is not None:
            return self.keystore
        named = os.environ.get(KEYSTORE_VARIABLE)
        if named and os.environ.get(KEY_VARIABLE):
            raise WalletError(
                f"Both {KEYSTORE_VARIABLE} and {KEY_VARIABLE} are set. Unset one of them, or say "
                "which wallet to use with --keystore."
            )
        return Path(named) if named else None


class Watcher:
    """An account that is looked at and cannot sign."""

    def __init__(self, address: str) -> None:
        self.address = address

    def sign_message(self, signable_message: Any) -> NoReturn:  # noqa: ARG002
        """Refuse: there is no key here."""
        raise WalletError("This call needs the wallet's key: give --keystore.")


@forgets_locals
def open_wallet(sources: KeySources) -> Wallet:
    """Return the wallet; ask for key or password where somebody can answer.

    Raises:
        WalletError: there is no key, or it cannot be used.
        WrongPassword: the password does not open the keystore.
    """
    from ocean_lib.web3_internal.wallet import Wallet

    file = sources.file()
    if file is not None:
        _check_is_file(file)
        password = ask_password(sources, f"Password of {file}")
        return Wallet.from_keystore(None, _content(file), password)
    if os.environ.get(KEY_VARIABLE):
        return Wallet.from_env(None, KEY_VARIABLE)
    if sources.free is not None:
        return sources.free()
    if not sys.stdin.isatty():
        raise WalletError(
            f"No wallet: give --keystore FILE, or set {KEYSTORE_VARIABLE} or {KEY_VARIABLE}. "
            "`ocean-compute wallet new` makes a keystore."
        )
    key = click.prompt("Private key (hidden)", hide_input=True, err=True)
    return Wallet(None, private_key=key)


@forgets_locals
def ask_password(sources: KeySources, prompt: str, *, confirm: bool = False) -> str:
    """Return the keystore's password: of the file, of the environment, or typed.

    Args:
        sources: may name a password file.
        prompt: what to ask.
        confirm: ask twice, for a new keystore.

    Raises:
        WalletError: there is none, and nobody to ask.
    """
    if sources.password_file is not None:
        return _first_line(sources.password_file)
    if os.environ.get(PASSWORD_VARIABLE):
        return os.environ[PASSWORD_VARIABLE]
    if not sys.stdin.isatty():
        raise WalletError(
            f"The keystore needs its password: set {PASSWORD_VARIABLE}, or give --password-file."
        )
    password: str = click.prompt(prompt, hide_input=True, err=True, confirmation_prompt=confirm)
    return password


def address_in_keystore(sources: KeySources) -> str | None:
    """Return the address that a keystore names beside its key, None if there is none to read.

    It is enough for calls that sign nothing, and takes no password.
    """
    from ocean_lib.checks import check_address

    file = sources.file()
    if file is None:
        return None
    _check_is_file(file)
    try:
        named = parse_json(file.read_bytes())["address"]
        return check_address("0x" + str(named).lower().removeprefix("0x"))
    except (OSError, ValueError, KeyError, TypeError, InvalidInput):
        return None


def _check_is_file(path: Path) -> None:
    if not path.is_file():
        raise WalletError(
            f"There is no keystore file {path}. `ocean-compute wallet new` makes one."
        )


@forgets_locals
def _content(path: Path) -> dict[str, Any] | Path:
    """Return what a keystore holds; the file itself if opening it is what fails."""
    content = None
    try:
        content = parse_json(path.read_bytes())
    except OSError:
        return path
    except ValueError:  # quotes what may be a key, and is left behind
        content = None
    if not isinstance(content, dict):
        raise WalletError(f"{path} is not a keystore: it does not hold a JSON object.")
    return content


@forgets_locals
def _first_line(path: Path) -> str:
    reason = ""
    try:
        lines = read_text(path).splitlines()
        if lines and lines[0]:
            return lines[0]
        reason = "its first line is empty"
    except (OSError, ValueError) as error:
        reason = why_unreadable(error)
    raise WalletError(f"The password file {path} cannot be used: {reason}.")


def ask_trust(error: ProviderNotTrusted, config: Config, config_file: str | None) -> None:
    """Ask whether signatures may go to a Provider, and let the config say so from now on.

    Args:
        error: what the library refused.
        config: of this run.
        config_file: where `always` is kept; None: it is not offered.

    Raises:
        ProviderNotTrusted: the answer is no, or nobody can answer.
        ConfigError: it cannot be kept.
    """
    if not sys.stdin.isatty():
        raise error
    click.echo(
        f"Data set {error.did} names the Provider {error.origin}, which your config does not. "
        "Whoever gets a signature of this wallet can use it at every Provider, to stop its jobs "
        "or to read their results.",
        err=True,
    )
    answers = ["no", "once", *(["always"] if config_file else [])]
    answer = click.prompt(
        f"Sign for {error.origin}?", type=click.Choice(answers), default="no", err=True
    )
    if answer == "no":
        raise error
    if answer == "always" and config_file:
        _remember(Path(config_file).expanduser(), error.origin)
        click.echo(f"Kept in {config_file}.", err=True)
    config.trust_provider(error.origin)


def _remember(path: Path, origin: str) -> None:
    """Add an origin to `provider.trusted` of a config file; all else stays as it is."""
    from ocean_lib.config import Config

    path = path.resolve()  # a link stays one
    try:
        content = path.read_bytes()
        encoding = encoding_of(content)
        text = _with_origin(content.decode(encoding), origin)
        if origin in Config(text=text).trusted_providers:
            _replace(path, text.encode(encoding))
            return
        reason = "something else overrides the option there"
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except ValueError as error:
        reason = str(error)
    raise ConfigError(
        f"{path} cannot keep the answer ({reason}). Put provider.trusted = {origin} into "
        "[resources] there, or answer `once`."
    )


def _replace(path: Path, content: bytes) -> None:
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        unfinished.touch(mode=path.stat().st_mode & 0o777, exist_ok=False)
        unfinished.write_bytes(content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _with_origin(text: str, origin: str) -> str:
    """Put an origin before those that are there; `%` stands for itself twice in a config."""
    origin = origin.replace("%", "%%")
    lines = text.splitlines(keepends=True)
    end = "\r\n" if "\r\n" in text else "\n"
    section, start = "", None
    for number, line in enumerate(lines):
        if header := _SECTION.match(line):
            section = header["name"]
            start = number if section == "resources" else start
        elif section == "resources" and (found := _OPTION.match(line)):
            value = found["value"].strip()
            lines[number] = f"{found['head']} {origin}{', ' if value else ''}{value}{end}"
            return "".join(lines)
    if start is None:
        return f"{text.rstrip()}{end}{end}[resources]{end}provider.trusted = {origin}{end}"
    lines[start] = f"{lines[start].rstrip()}{end}provider.trusted = {origin}{end}"
    return "".join(lines)
