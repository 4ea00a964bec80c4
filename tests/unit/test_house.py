"""The house: who imports whom, how long functions are, and how far one call has to go."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import ocean_lib

PACKAGE = Path(ocean_lib.__file__).parent


def modules() -> dict[str, ast.Module]:
    """Every module of the package by its dotted name, parsed."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = ast.parse(path.read_text(encoding="utf-8"))
    return found


MODULES = modules()


def imports_of(name: str) -> Iterator[str]:
    """Modules of ours that a module imports anywhere: at the top, in a function, for types."""
    for node in ast.walk(MODULES[name]):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found = inner if inner in MODULES else node.module
                if found in MODULES and found != name:
                    yield found


IMPORTS = {name: set(imports_of(name)) for name in MODULES}


def reached_from(name: str) -> set[str]:
    seen: set[str] = set()
    todo = [name]
    while todo:
        new = IMPORTS[todo.pop()] - seen
        seen |= new
        todo += new
    return seen


def test_no_module_imports_itself_by_way_of_others() -> None:
    reached = {name: reached_from(name) for name in MODULES}

    in_circles = sorted(name for name in MODULES if name in reached[name])

    assert in_circles == []


def test_no_package_imports_another_ones_private_module() -> None:
    found = []
    for name, imported in IMPORTS.items():
        for other in imported:
            room, _, last = other.rpartition(".")
            is_private = last.startswith("_") and not last.startswith("__")
            is_of_the_room = name.rpartition(".")[0] == room or name == room
            if is_private and not is_of_the_room and not name.startswith(f"{room}."):
                found.append(f"{name} imports {other}")

    assert found == []


def test_nothing_is_cast_to_a_facade() -> None:
    found = [
        f"{name}:{node.lineno}"
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "cast"
        and "Ocean" in ast.unparse(node.args[0])
    ]

    assert found == []


def lengths() -> dict[str, int]:
    """Lines of each function, its docstring and decorators left out."""
    found = {}
    for name, tree in MODULES.items():
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if ast.get_docstring(node, clean=False) is not None:
                    text = node.body[0]
                    lines -= (text.end_lineno or 0) - text.lineno + 1
                found[f"{name}:{node.lineno} {node.name}"] = lines
    return found


def test_functions_are_short() -> None:
    found = lengths()
    ordered = sorted(found.values())

    assert statistics.median(ordered) <= 8
    assert ordered[int(len(ordered) * 0.95)] <= 32
    assert {name: lines for name, lines in found.items() if lines > 60} == {}


# V3's names of fields, which stand with V3's calls and documents and where ocean.py's documented
# methods take and return them, and nowhere else.
V3_FIELDS = [
    *("documentId", "transferTxId", "additionalInputs", "algorithmDid", "algorithmDataToken"),
    *("algorithmTransferTxId", "stopreq", "resultsUrl", "algorithmLogUrl", "resultsDid"),
    *("inputDID", "algoDID", "encryptedDocument"),
]
V3_ROOMS = (
    "ocean_lib.backends.node.bodies",  # nodes kept two of them
    "ocean_lib.backends.v3",
    "ocean_lib.documents",
    "ocean_lib.localnet.dialects.node",
    "ocean_lib.localnet.dialects.v3",
    "ocean_lib.data_provider.data_service_provider",
    "ocean_lib.models.compute_input",
)


def test_v3s_names_of_fields_stand_with_v3() -> None:
    found = [
        f"{name}: {node.value}"
        for name, tree in MODULES.items()
        if not name.startswith(V3_ROOMS)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value in V3_FIELDS
    ]

    assert found == []
