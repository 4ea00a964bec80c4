"""The signals that end a network: none is lost, whenever it comes."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

AT_EVERY_STEP = """
import signal, sys, threading
from ocean_lib.localnet import closing

inside = False
def step(frame, event, _):
    # A signal between any two lines of the wait and of what it is made of.
    global inside
    if event == "line" and not inside and frame.f_code.co_filename in FILES:
        inside = True
        signal.raise_signal(signal.SIGTERM)
        inside = False
    return step

FILES = (threading.__file__, closing.__file__)
end = closing.EndSignals()
sys.settrace(step)
end.wait()
sys.settrace(None)
print("ended")
"""
IGNORED = """
import signal
from ocean_lib.localnet.closing import EndSignals

signal.signal(signal.SIGHUP, signal.SIG_IGN)
end = EndSignals()
signal.raise_signal(signal.SIGHUP)
print("still there", flush=True)
signal.raise_signal(signal.SIGTERM)
end.wait()
print("ended")
"""
EACH = """
import signal
from ocean_lib.localnet.closing import EndSignals

end = EndSignals()
signal.raise_signal(signal.{})
end.wait()
print("ended")
"""


def _told(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=10, check=True
    )
    return done.stdout


def test_a_signal_that_comes_while_another_wakes_the_wait_does_not_block_it() -> None:
    assert _told(AT_EVERY_STEP) == "ended\n"


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_each_of_them_ends_the_wait_also_if_it_came_before(name: str) -> None:
    if not hasattr(signal, name):
        pytest.skip(f"no {name} here")

    assert _told(EACH.format(name)) == "ended\n"


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no SIGHUP here")
def test_what_runs_under_nohup_outlives_its_terminal() -> None:
    assert _told(IGNORED) == "still there\nended\n"
