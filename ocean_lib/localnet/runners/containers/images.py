"""Have an algorithm's image ready, and know by its digest which one it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import requests
from docker.errors import DockerException, ImageNotFound
from docker.utils import parse_repository_tag

from ocean_lib.localnet.runners import CannotRun
from ocean_lib.localnet.runners.containers.engine import Engine

_LOOK_S = 0.05


class Images:
    """The images of an engine.

    Args:
        engine: The engine.
        pull: When to ask a registry: `missing`, `always` or `never`.
    """

    def __init__(self, engine: Engine, pull: str) -> None:
        self._engine = engine
        self._pull = pull

    def ready(self, image: str, given_up: Callable[[], bool]) -> str:
        """See `PullsImages.pull`."""
        is_id = image.startswith("sha256:")
        there = self._there(image)
        if not is_id and (self._pull == "always" or (there is None and self._pull == "missing")):
            self._pulled(image, given_up)
            there = None if given_up() else self._there(image)
        if there is None:
            raise CannotRun(
                f"the engine has no image {image}, and it is not pulled"
                + ("" if is_id else f" (runner option pull={self._pull})")
            )
        return _pinned(image, there)

    def volumes(self, image: str) -> list[str]:
        """Return the folders for which an image wants volumes."""
        return list(self._engine.api.inspect_image(image)["Config"].get("Volumes") or {})

    def _there(self, image: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._engine.api.inspect_image(image)
        except ImageNotFound:
            return None
        except (DockerException, requests.RequestException) as error:
            raise CannotRun(f"the engine does not tell about image {image}: {error}") from error
        return found

    def _pulled(self, image: str, given_up: Callable[[], bool]) -> None:
        """Pull in a thread: a registry that is silent must not keep a job from being stopped."""
        failures: list[str] = []
        worker = threading.Thread(
            target=self._pull_now, args=(image, given_up, failures), daemon=True
        )
        worker.start()
        while worker.is_alive() and not given_up():
            worker.join(_LOOK_S)
        if failures:
            raise CannotRun(
                f"image {image} cannot be pulled: {failures[0]}. Check its name and its tag, and "
                "that the engine reaches the registry; or load it into the engine before."
            )

    def _pull_now(self, image: str, given_up: Callable[[], bool], failures: list[str]) -> None:
        name, tag = parse_repository_tag(image)
        try:
            for event in self._engine.api.pull(name, tag or "latest", stream=True, decode=True):
                if given_up():
                    return
                if "error" in event:
                    failures.append(str(event["error"]))
        except (DockerException, requests.RequestException) as error:
            failures.append(str(getattr(error, "explanation", None) or error))


def _pinned(image: str, there: dict[str, Any]) -> str:
    """Return an image's name with its digest; its id if it came from no registry."""
    name = parse_repository_tag(image)[0]
    for digest in there.get("RepoDigests") or []:
        if digest.partition("@")[0].removeprefix("docker.io/").removeprefix("library/") == (
            name.removeprefix("docker.io/").removeprefix("library/")
        ):
            return str(digest)
    found = str(there["Id"])
    return found if found.startswith("sha256:") else f"sha256:{found}"
