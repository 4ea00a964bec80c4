"""What the client knows of a node's contracts: the functions and events it uses, and addresses.

The facts are those of the package ocean-contracts 2.7.0 (Apache-2.0), without its bytecode: of
each contract the entries that the client uses, one to a line, and all of its address file. `ERC20`
is the part that every token has. `tests/unit/backends/node/test_abis.py` holds them equal to it.
"""

from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ADDRESS_FILE = FOLDER / "address.json"
