"""`python -m ocean_lib.cli`: the same as `ocean-compute`."""

from __future__ import annotations

import sys

from ocean_lib.cli import main

if __name__ == "__main__":
    sys.exit(main())
