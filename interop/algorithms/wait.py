# ruff: noqa: T201 - what a job prints is its log
"""Do nothing for two minutes, so that there is a running job to stop."""

import time

print("waiting to be stopped", flush=True)
time.sleep(120)
