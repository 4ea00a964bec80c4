"""`python -m ocean_lib.localnet`: run a network until Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import configparser
import io
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ocean_lib.localnet import LocalNetwork, LocalNetworkError, NodeOptions
from ocean_lib.localnet.closing import EndSignals
from ocean_lib.localnet.errors import BadOption
from ocean_lib.localnet.http.server import LOOPBACK

_BAD_OPTION = 2  # as argparse has it


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ocean_lib.localnet",
        description="Run a whole Ocean network until Ctrl-C or SIGTERM, on 127.0.0.1 unless"
        " it is told otherwise.",
    )
    parser.add_argument("--generation", default="v3", help="v3, or node: an Ocean Node")
    parser.add_argument("--rate-limit", type=int, help="requests a minute that a node answers")
    parser.add_argument("--port", type=int, default=0, help="Provider and metadata cache, or node")
    parser.add_argument("--rpc-port", type=int, default=0, help="the chain's JSON-RPC")
    parser.add_argument("--state", metavar="DIR", help="keep everything here and continue with it")
    parser.add_argument("--seed", help="make the keys of a new network predictable")
    parser.add_argument("--jobs", type=int, help="jobs at the same time (default: cores)")
    parser.add_argument(
        "--isolation",
        help="bwrap, unshare or landlock (default: the strongest that works), or"
        " limits, which is UNSAFE: algorithms can then read and change what you can",
    )
    parser.add_argument("--max-jobs", type=int, default=1000, help="jobs that wait or run at most")
    parser.add_argument("--host", default=LOOPBACK, help="the address to listen on")
    parser.add_argument("--expose", action="store_true", help="let other machines reach it")
    parser.add_argument("--chain-url", help="a JSON-RPC URL in place of the embedded chain")
    parser.add_argument("--show-keys", action="store_true", help="print the private keys too")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def config_text(network: LocalNetwork) -> str:
    """Spell the client's configuration as the text of a config.ini."""
    config = configparser.ConfigParser(interpolation=None)
    config.read_dict(network.options)
    text = io.StringIO()
    config.write(text)
    return text.getvalue().strip()


def describe(network: LocalNetwork, *, show_keys: bool) -> dict[str, Any]:
    """Tell what a user needs to know of a running network.

    Args:
        network: The network.
        show_keys: Whether to tell the private keys, or only the file that holds them.
    """
    description: dict[str, Any] = {
        "generation": network.generation,
        "provider_url": network.provider_url,
        "metadata_cache_url": network.metadata_cache_url,
        "provider_address": network.provider_address,
        "rpc_url": network.rpc_url,
        "chain_id": network.chain_id,
        "contracts": network.contracts.as_address_file()["development"],
        "address_file": str(network.address_file),
        "accounts": [account.address for account in network.accounts],
        "keys_file": str(network.state_dir / "keys.json"),
        "state_dir": str(network.state_dir),
        "isolation": network.isolation,
        "config": config_text(network),
    }
    if show_keys:
        description["private_keys"] = [
            "0x" + account.key.hex().removeprefix("0x") for account in network.accounts
        ]
    return description


def _print_text(description: dict[str, Any]) -> None:
    for name in ("provider_url", "metadata_cache_url", "rpc_url", "chain_id", "isolation"):
        print(f"{name.replace('_', ' '):<20}{description[name]}")  # noqa: T201
    lines = ["", "contracts"]
    lines += [f"  {name:<26}{place}" for name, place in _places(description["contracts"])]
    lines += ["", "funded accounts"]
    lines += [f"  {address}" for address in description["accounts"]]
    lines += [f"their private keys are in {description['keys_file']}"]
    lines += [f"  {key}" for key in description.get("private_keys", [])]
    lines += ["", "config.ini", "", description["config"], "", "Ctrl-C stops the network."]
    print("\n".join(lines), flush=True)  # noqa: T201


def _places(contracts: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Yield what an address file says, an entry for each version of a template."""
    for name, place in contracts.items():
        if isinstance(place, Mapping):
            yield from ((f"{name} {version}", address) for version, address in place.items())
        else:
            yield name, place


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a network until a signal ends it.

    Args:
        arguments: The command line; None for the process's own.

    Returns:
        The exit status: 1 if it cannot start, 2 if that is for an option.
    """
    options = _parser().parse_args(arguments)
    end = EndSignals()
    try:
        with _network(options) as network:
            description = describe(network, show_keys=options.show_keys)
            if options.json:
                print(json.dumps(description, indent=1), flush=True)  # noqa: T201
            else:
                _print_text(description)
            end.wait()
    except LocalNetworkError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return _BAD_OPTION if isinstance(error, BadOption) else 1
    return 0


def _network(options: argparse.Namespace) -> LocalNetwork:
    return LocalNetwork(
        options.state,
        generation=options.generation,
        node=None if options.rate_limit is None else NodeOptions(rate_limit=options.rate_limit),
        port=options.port,
        rpc_port=options.rpc_port,
        seed=options.seed,
        jobs_at_once=options.jobs,
        max_jobs=options.max_jobs,
        host=options.host,
        expose=options.expose,
        isolation=options.isolation,
        chain_url=options.chain_url,
    )


if __name__ == "__main__":
    sys.exit(main())
