"""What the client knows of Ocean's V3 contracts: their ABIs, and their addresses per network.

The facts are those of the package ocean-contracts 0.6.3 (Apache-2.0), without its bytecode: of its
contracts only those that the client calls, each with its whole ABI, one entry to a line, and all of
its address file. `tests/unit/web3_internal/test_artifacts.py` holds them equal to it.
"""

from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ADDRESS_FILE = FOLDER / "address.json"
