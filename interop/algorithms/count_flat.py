# ruff: noqa: T201 - what a job prints is its log
"""Count the lines of the inputs as an Ocean Node lays them out; runs inside a job."""

import json
import sys
from pathlib import Path

inputs = [path for path in Path("/data/inputs").iterdir() if path.name != "algoCustomData.json"]
lines = sum(len(path.read_text().splitlines()) for path in inputs)
print("counting", *sorted(path.name for path in inputs))
print("a word on standard error", file=sys.stderr)
Path("/data/outputs/count.json").write_text(json.dumps({"lines": lines}))
