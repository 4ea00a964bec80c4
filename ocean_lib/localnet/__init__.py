"""A whole Ocean network in one process, for first jobs, tests and development.

An EVM chain with the real contracts, a metadata cache with Aquarius' REST API and a Provider with
its REST API, or an Ocean Node; and a runner that really runs the algorithms. Install it with
`pip install "ocean-compute[localnet]"`. It binds loopback only, unless it is told to be exposed.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ocean_lib.localnet.dialects.node.options import NodeEnvironment, NodeOptions
    from ocean_lib.localnet.errors import LocalNetworkError
    from ocean_lib.localnet.network import LocalNetwork

__all__ = ["NodeEnvironment", "LocalNetwork", "LocalNetworkError", "NodeOptions"]

_PLACES = {
    "NodeEnvironment": "dialects.node.options",
    "LocalNetwork": "network",
    "LocalNetworkError": "errors",
    "NodeOptions": "dialects.node.options",
}

_OF_THE_EXTRA = ("artifacts", "coincurve", "ecies", "eth", "flask", "jsonschema", "waitress")


def __getattr__(name: str) -> object:
    # Loaded on demand: the chain and the web server are heavy imports.
    if name in __all__:
        _check_extra()
        return getattr(import_module(f"ocean_lib.localnet.{_PLACES[name]}"), name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def _check_extra() -> None:
    for module in _OF_THE_EXTRA:
        if find_spec(module) is None:
            message = (
                f"The embedded network is not installed (the module {module!r} is missing): "
                'pip install "ocean-compute[localnet]"'
            )
            raise ModuleNotFoundError(message, name=module)


def __dir__() -> list[str]:
    return sorted(__all__)
