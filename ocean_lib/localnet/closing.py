"""Close many things, also when one of them cannot be closed."""

from __future__ import annotations

from collections.abc import Callable, Iterable


def close_all(closers: Iterable[Callable[[], object]]) -> None:
    """Call every one in turn, whatever the others raise; then raise the first failure.

    Args:
        closers: What closes each thing.
    """
    first: BaseException | None = None
    for close in closers:
        try:
            close()
        except BaseException as error:  # noqa: BLE001  (Ctrl-C too must leave nothing open)
            if first is None:
                first = error
    if first is not None:
        raise first
