"""Progress bars: on a terminal, as a widget in a notebook, nothing in a pipe."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_import_lock = threading.Lock()


class _NoBar:
    """Stands in for a bar, so that tqdm need not be imported."""

    n = 0

    def update(self, n: float = 1) -> None:
        """Count nothing."""

    def refresh(self) -> None:
        """Show nothing."""

    def set_postfix_str(self, text: str, *, refresh: bool = True) -> None:
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
    if wanted is False:
        yield _NoBar()
        return
    # tqdm's own None: not if stderr is not a terminal, but in a notebook.
    with _tqdm()(disable=None if wanted is None else False, **options) as bar:
        yield bar


def _tqdm() -> Any:
    # Without ipywidgets a notebook gets a text bar; that needs no warning. The warnings come
    # with the first import, so only that is done with them off, and by one thread.
    with _import_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm

        return tqdm
