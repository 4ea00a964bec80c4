"""Where the library gets its metadata cache client from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ocean_lib.common.aquarius.aquarius import ASSETS_PATH, Aquarius

if TYPE_CHECKING:
    from ocean_lib.http.exchange import HttpExchange


class AquariusProvider:
    """Makes metadata cache clients of one class."""

    _aquarius_class: Any = Aquarius

    @staticmethod
    def get_aquarius(
        url: str, http: HttpExchange | None = None, assets_path: str = ASSETS_PATH
    ) -> Aquarius:
        """Make a client.

        Args:
            url: URL of the metadata cache.
            http: sends the client's requests; a class set with `set_aquarius_class` that is no
                `Aquarius` does not get it.
            assets_path: of its API; likewise.

        Raises:
            InvalidUrl: it is no http(s) URL.
        """
        aquarius_class = AquariusProvider._aquarius_class
        passes_http = isinstance(aquarius_class, type) and issubclass(aquarius_class, Aquarius)
        if not passes_http:
            client: Aquarius = aquarius_class(url)
        elif assets_path == ASSETS_PATH:
            client = aquarius_class(url, http)
        else:
            client = aquarius_class(url, http, assets_path=assets_path)
        return client

    @staticmethod
    def set_aquarius_class(aquarius_class: Any) -> None:
        """Use another class from now on, in the whole process: meant for tests.

        Args:
            aquarius_class: makes a client of a URL; it has the methods of `Aquarius`.
        """
        AquariusProvider._aquarius_class = aquarius_class
