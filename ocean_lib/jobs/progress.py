"""Progress: on a terminal, as a widget or text in a notebook, nothing in a pipe."""

from __future__ import annotations

import itertools
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_import_lock = threading.Lock()

_TEXT = "{desc} [{elapsed}]"
_TURN_S = 0.25


class _NoBar:
    """Stands in for a bar, so that tqdm need not be imported."""

    n = 0

    def update(self, n: float = 1) -> None:
        """Count nothing."""

    def refresh(self) -> None:
        """Show nothing."""

    def set_description_str(self, text: str) -> None:
        """Show nothing."""


@contextmanager
def progress_bar(wanted: bool | None, **options: Any) -> Iterator[Any]:
    """Show a tqdm bar while the block runs.

    Args:
        wanted: True for always, False for never, None for terminals and notebooks.
        **options: for `tqdm.auto.tqdm`.

    Yields:
        The bar; one that shows nothing if it is not wanted.
    """
    if not (_is_seen() if wanted is None else wanted):
        yield _NoBar()
        return
    with _tqdm()(**options) as bar:
        yield bar


class Spinner:
    """Says what is going on and for how long, where nobody can tell how much is left."""

    def __init__(self, bar: Any, desc: str) -> None:
        self._bar, self._desc, self._text = bar, desc, ""
        self._frames = itertools.cycle("|/-\\")
        self._is_over = threading.Event()

    def say(self, text: str, *, ended: bool = False) -> None:
        """Show a text; one that ends stays as it is."""
        self._text = text
        if ended:
            self._is_over.set()
        self._show()

    def turn(self) -> None:
        """Turn until it is over."""
        while not self._is_over.wait(_TURN_S):
            self._show()

    def end(self) -> None:
        """Turn no more."""
        self._is_over.set()

    def _show(self) -> None:
        mark = "" if self._is_over.is_set() else f"{next(self._frames)} "
        self._bar.set_description_str(f"{self._desc}: {mark}{self._text}")


@contextmanager
def spinner(wanted: bool | None, desc: str) -> Iterator[Spinner]:
    """Show a text and the time since the block began while it runs.

    Args:
        wanted: as for `progress_bar`.
        desc: what is waited for.

    Yields:
        What to say the text to.
    """
    with progress_bar(wanted, desc=desc, total=None, bar_format=_TEXT) as bar:
        shown = Spinner(bar, desc)
        if isinstance(bar, _NoBar):
            yield shown
            return
        turning = threading.Thread(target=shown.turn, name="ocean-spinner", daemon=True)
        turning.start()
        try:
            yield shown
        finally:
            shown.end()
            turning.join()


def _is_seen() -> bool:
    """Whether somebody looks: at a terminal, or in a notebook, be it without widgets."""
    if sys.stderr is not None and sys.stderr.isatty():
        return True
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return "IPKernelApp" in getattr(shell, "config", ())


def _tqdm() -> Any:
    # Without ipywidgets a notebook gets a text bar; that needs no warning. The warnings come
    # with the first import, so only that is done with them off, and by one thread.
    with _import_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm

        return tqdm
