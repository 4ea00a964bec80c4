# ruff: noqa: T201 - what a job prints is its log
"""Count the lines of the dataset; runs inside a job."""

import json
import os
from pathlib import Path

inputs = Path(os.environ["INPUTS"])
lines = sum(
    len(file.read_text().splitlines())
    for did in json.loads(os.environ["DIDS"])
    for file in sorted((inputs / did).iterdir())
)
print("counting", os.environ["DIDS"])
Path(os.environ["OUTPUTS"], "count.json").write_text(json.dumps({"lines": lines}))
