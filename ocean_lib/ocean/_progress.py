"""Progress bars: on a terminal, as a widget in a notebook, quiet in a pipe."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def progress_bar(wanted: bool | None, **options: Any) -> Iterator[Any]:
    """Show a tqdm bar while the block runs.

    Args:
        wanted: True for always, False for never, None for where somebody looks.
        **options: for `tqdm.auto.tqdm`.

    Yields:
        The bar; one that shows nothing if it is not wanted.
    """
    with warnings.catch_warnings():
        # Without ipywidgets a notebook gets a text bar; that needs no warning.
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm

        bar = tqdm(disable={True: False, False: True, None: None}[wanted], **options)
    with bar:
        yield bar
