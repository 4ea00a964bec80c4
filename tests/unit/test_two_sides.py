"""The client and the embedded network never import each other, so shared faults cannot hide."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "ocean_lib"
LOCALNET = ROOT / "localnet"
# The one room that may import both sides, and its part that hands out the client's objects.
TESTING = ROOT / "testing"
DOORWAY = "ocean_lib.testing.client"
# What takes a package by its name; `importlib.resources.files` reads the data in it.
LOADERS = ("import_module", "files")
NETWORK_FILES = sorted(LOCALNET.rglob("*.py"))
CLIENT_FILES = sorted(
    path
    for path in ROOT.rglob("*.py")
    # The command line is a user of both sides.
    if not {LOCALNET, TESTING, ROOT / "cli"} & set(path.parents)
)


def imported(path: Path, source: str = "", *, in_functions: bool = True) -> set[str]:
    """Return the modules that a file imports, relative ones resolved."""
    package = ["ocean_lib", *path.relative_to(ROOT).parts[:-1]]
    found = set()
    tree = ast.parse(source or path.read_text(encoding="utf-8"))
    for node in _nodes(tree, in_functions):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found.add(module)
            found.update(f"{module}.{alias.name}" for alias in node.names)
        elif (
            isinstance(node, ast.Call)
            and getattr(node.func, "attr", getattr(node.func, "id", "")) in LOADERS
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            found.add(str(node.args[0].value))
    return found


def _nodes(tree: ast.AST, in_functions: bool) -> list[ast.AST]:
    nodes: list[ast.AST] = []
    queue: list[ast.AST] = [tree]
    while queue:
        node = queue.pop()
        nodes.append(node)
        lazy = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or (
            isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        )
        if in_functions or not lazy:
            queue.extend(ast.iter_child_nodes(node))
    return nodes


def _of_the_client(module: str) -> bool:
    inside = module == "ocean_lib.localnet" or module.startswith("ocean_lib.localnet.")
    through_the_doorway = module == DOORWAY or module.startswith(f"{DOORWAY}.")
    return module.startswith("ocean_lib.") and not inside and not through_the_doorway


@pytest.mark.parametrize("path", NETWORK_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_network_imports_nothing_of_the_client(path: Path) -> None:
    modules = imported(path)

    assert not {module for module in modules if _of_the_client(module)}


@pytest.mark.parametrize("path", CLIENT_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_client_imports_nothing_of_the_network(path: Path) -> None:
    modules = imported(path)

    assert not {module for module in modules if module.startswith("ocean_lib.localnet")}


def test_the_check_sees_every_way_to_import() -> None:
    source = (
        "import ocean_lib.config\nfrom ...models import data_token\nfrom .. import x\n"
        "def f():\n    import importlib\n    importlib.import_module('ocean_lib.ocean.ocean')\n"
        "    return resources.files('ocean_lib.web3_internal.artifacts')\n"
    )
    found = imported(LOCALNET / "runners" / "made_up.py", source)

    assert {
        "ocean_lib.config",
        "ocean_lib.models.data_token",
        "ocean_lib.localnet.x",
        "ocean_lib.ocean.ocean",
        "ocean_lib.web3_internal.artifacts",
    } <= found


def test_importing_the_network_loads_nothing_of_the_client() -> None:
    code = (
        "import sys, ocean_lib.localnet.network, ocean_lib.localnet.__main__\n"
        "names = [n for n in sys.modules if n.startswith('ocean_lib.')]\n"
        "print([n for n in names if not n.startswith('ocean_lib.localnet')])\n"
        "print('web3' in sys.modules, 'eth' in sys.modules)\n"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.splitlines()

    assert shown == ["[]", "False False"]


def test_only_the_network_itself_goes_through_the_doorway_and_only_when_asked() -> None:
    users = {path for path in NETWORK_FILES if DOORWAY in imported(path)}

    assert users == {LOCALNET / "network.py"}
    assert not any(DOORWAY in imported(path, in_functions=False) for path in users)


def test_loading_the_pytest_plugin_loads_neither_side() -> None:
    code = (
        "import sys, pytest; before = set(sys.modules)\n"
        "import ocean_lib.testing.plugin\n"
        "print(sorted(set(sys.modules) - before))\n"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout

    assert shown.strip() == str(["ocean_lib", "ocean_lib.testing", "ocean_lib.testing.plugin"])
