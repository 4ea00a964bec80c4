"""One run of the command line: its options, and the config, client and wallet they give."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ocean_lib.cli import asking
from ocean_lib.cli.errors import ExitCode
from ocean_lib.cli.output import Output
from ocean_lib.exceptions import ConfigError, OceanError, ProviderNotTrusted

if TYPE_CHECKING:
    from ocean_lib.config import Config
    from ocean_lib.ocean.ocean import Ocean
    from ocean_lib.web3_internal.signer import Signer
    from ocean_lib.web3_internal.wallet import Wallet

_OVERRIDES = (
    ("network", "eth-network", "network", "network_url"),
    ("metadata_cache", "resources", "metadata_cache_uri", "metadata_cache_uri"),
    ("provider", "resources", "provider.url", "provider_url"),
    ("node", "resources", "provider.url", "provider_url"),
)
NOTHING_SENT = "Interrupted. Nothing was sent."
_ENVIRONMENT = ("NETWORK_URL", "METADATA_CACHE_URI", "PROVIDER_URL")


class Session:
    """Options as they were given; config, client and wallet as they are asked for.

    Attributes:
        out: where the outcome goes.
        debug: show the whole traceback of a failure.
        if_interrupted: what to say when Ctrl-C comes now.
        interrupted_by: the exit status of an interruption: of Ctrl-C, or of a signal that came.
    """

    def __init__(self) -> None:
        self.out = Output()
        self.debug = False
        self.if_interrupted = "Interrupted."
        self.interrupted_by = ExitCode.INTERRUPTED
        self.config_file: str | None = None
        self.network: str | None = None
        self.metadata_cache: str | None = None
        self.provider: str | None = None
        self.node: str | None = None
        self.keys = asking.KeySources()
        self.owner: str | None = None

    @cached_property
    def config(self) -> Config:
        """The configuration.

        Raises:
            ConfigError: there is none, or it cannot be used.
        """
        from ocean_lib.config import Config

        given = [name for name, *_ in _OVERRIDES if getattr(self, name)]
        if self.provider and self.node:
            raise click.UsageError("Give --node or --provider, not both.")
        if self.config_file:
            config = Config(self.config_file)
        elif os.environ.get("CONFIG_FILE"):
            config = Config()
        elif given or any(os.environ.get(name) for name in _ENVIRONMENT):
            config = Config(options_dict={})
        else:
            raise ConfigError(
                "No config: give --config FILE, or set CONFIG_FILE; for an Ocean Node give --node "
                "URL. `ocean-compute localnet` starts a network on this machine and writes one."
            )
        for name, section, option, checked in _OVERRIDES:
            value = getattr(self, name)
            if value:
                config.set(section, option, value.replace("%", "%%"))
                try:
                    getattr(config, checked)
                except ConfigError as error:
                    text = str(error).replace(f"Config option {section}.{option}", "it")
                    hint = f"'--{name.replace('_', '-')}'"
                    raise click.BadParameter(text, param_hint=hint) from None
        return config

    @cached_property
    def ocean(self) -> Ocean:
        """The client."""
        from ocean_lib.ocean.ocean import Ocean

        return Ocean(self.config)

    @cached_property
    def wallet(self) -> Wallet:
        """The wallet; asks for what it takes to open it."""
        with self.interruptible(NOTHING_SENT):
            return asking.open_wallet(self.keys)

    def allow_free_wallet(self, *, make: bool = False) -> None:
        """Take the wallet for free jobs where no other is named.

        Args:
            make: make one where there is none yet.

        Raises:
            WalletError: it cannot be read or kept.
        """
        from ocean_lib.cli import free_wallet

        if self.owner or self.keys.are_named():
            return
        path = free_wallet.free_wallet_file()
        if make and free_wallet.make(path):
            self.out.say(f"Made a wallet for free jobs, for you alone to read: {path}")
        self.keys.free = partial(free_wallet.read, path) if path.exists() else None

    def watcher(self) -> Signer:
        """Return whoever the jobs belong to, for calls that sign nothing: no password is asked."""
        if self.owner:
            return asking.Watcher(self.owner)
        address = asking.address_in_keystore(self.keys)
        return asking.Watcher(address) if address else self.wallet

    def agree_to_provider(self, did: str) -> None:
        """Ask, where somebody can answer, before a signature goes to a Provider not chosen yet.

        Raises:
            ProviderNotTrusted: the answer is no, or there is nobody to ask.
        """
        try:
            self.ocean.compute.check_provider(did)
        except ProviderNotTrusted as error:
            asking.ask_trust(error, self.config, self.config_file or os.environ.get("CONFIG_FILE"))
        except OceanError:
            pass  # the call that follows tells it

    @contextmanager
    def interruptible(self, text: str) -> Iterator[None]:
        """Say this when Ctrl-C comes inside the block."""
        before, self.if_interrupted = self.if_interrupted, text
        yield
        self.if_interrupted = before  # after an exception the text stays: that is when it is told

    @contextmanager
    def sending(self, otherwise: str = NOTHING_SENT) -> Iterator[None]:
        """Say when Ctrl-C comes inside the block what the library says was sent, or else this."""
        with self.interruptible(otherwise):
            try:
                yield
            except KeyboardInterrupt as stop:
                said = str(stop)
                if said:
                    self.if_interrupted = f"Interrupted. {said[:1].upper()}{said[1:]}"
                raise


def usable_folder(folder: Path, option: str) -> None:
    """Make a folder to download into, before there is anything that could be lost.

    Args:
        folder: which.
        option: that named it.

    Raises:
        click.BadParameter: nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        reason = "" if os.access(folder, os.W_OK | os.X_OK) else "it is not writable"
    except OSError as error:
        reason = error.strerror or str(error)
    if reason:
        raise click.BadParameter(f"{folder} cannot be used: {reason}.", param_hint=f"'{option}'")


pass_session = click.make_pass_decorator(Session, ensure=True)
"""Decorate a command so that it gets the `Session` first."""


def existing_folder_of(path: Path) -> None:
    """Check that a file can be made here.

    Raises:
        click.BadParameter: it has no name, or its folder does not exist.
    """
    if not path.name:
        raise click.BadParameter("a file needs a name.")
    if not path.absolute().parent.is_dir():
        raise click.BadParameter(f"the folder {path.absolute().parent} does not exist.")
