"""The container engine: where it is, what it can do, and the calls that a runner makes."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException, NotFound

from ocean_lib.localnet.runners.named import RunnerUnusable

__all__ = ["APIError", "Engine", "NotFound", "Unreachable"]

Unreachable = (requests.ConnectionError, requests.Timeout)
_TIMEOUT_S = 60
_CONNECT_S = 10
_HEAD_BYTES = 8
_USER = "1000:1000"  # as an Ocean Node's
_NEEDED = {"MemoryLimit": "memory", "PidsLimit": "the number of processes"}


class Engine:
    """A connection to Docker or Podman.

    Args:
        url: Where it listens; empty for where DOCKER_HOST says, else the first usual socket.
        seccomp: A filter of system calls, as JSON; empty for the engine's own.

    Raises:
        RunnerUnusable: If none answers there, or it cannot do what isolation needs.
    """

    def __init__(self, url: str = "", *, seccomp: str = "") -> None:
        self._seccomp = seccomp
        settings = docker.utils.kwargs_from_env()
        self.url = url or settings.get("base_url") or _usual_socket()
        settings["base_url"] = self.url
        try:
            _knock(self.url)
            self.api = docker.APIClient(version="auto", timeout=_TIMEOUT_S, **settings)
            self._info: dict[str, Any] = self.api.info()
            self._version: dict[str, Any] = self.api.version()
        except (DockerException, requests.RequestException, OSError) as error:
            raise RunnerUnusable(_why_not(self.url, error)) from error
        self._check()

    @property
    def name(self) -> str:
        """Which engine it is, with its version."""
        parts = self._version.get("Components") or []
        podman = any("podman" in str(part.get("Name", "")).lower() for part in parts)
        return f"{'Podman' if podman else 'Docker'} {self._version.get('Version', '')}".strip()

    @property
    def isolation(self) -> str:
        """What the engine adds to namespaces and control groups, for people."""
        options = ", ".join(
            name for name in ("seccomp", "apparmor", "selinux", "rootless") if self._has(name)
        )
        return f"{self.name}, {options or 'without seccomp'}"

    @property
    def user(self) -> str:
        """As whom algorithms run: inside of a rootless engine root is its user, without rights."""
        if self._has("rootless"):
            return "0:0"
        return _USER if os.getuid() == 0 else f"{os.getuid()}:{os.getgid()}"

    @property
    def security_options(self) -> list[str]:
        """The options of each container."""
        return [
            "no-new-privileges:true",
            # SELinux would keep a container from the network's folders.
            *(["label=disable"] if self._has("selinux") else []),
            *([f"seccomp={self._seccomp}"] if self._seccomp else []),
        ]

    def close(self) -> None:
        """Close the connection."""
        self.api.close()

    def state(self, container: str) -> dict[str, Any]:
        """Return how a container is.

        Raises:
            NotFound: If there is none.
        """
        state: dict[str, Any] = self.api.inspect_container(container)["State"]
        return state

    def found(self, labels: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return the containers with these labels, running or not."""
        wanted = [f"{name}={value}" for name, value in labels.items()]
        found: list[dict[str, Any]] = self.api.containers(all=True, filters={"label": wanted})
        return found

    def kill(self, container: str) -> None:
        """End every process of a container, if it runs."""
        try:
            self.api.kill(container)
        except APIError as error:
            if error.status_code not in (404, 409, 500):  # it is gone, or does not run
                raise

    def remove(self, container: str) -> None:
        """End and remove a container, with what only it used."""
        try:
            self.api.remove_container(container, force=True, v=True)
        except APIError as error:
            if error.status_code not in (404, 409):  # it is gone, or somebody removes it
                raise

    def log(self, container: str) -> Iterator[tuple[int, bytes]]:
        """Yield what a container prints, from its start to its end: the stream, and a piece."""
        api = self.api
        response = api.get(
            f"{api.base_url}/v{api.api_version}/containers/{container}/logs",
            params={"stdout": 1, "stderr": 1, "follow": 1},
            stream=True,
            timeout=(_CONNECT_S, None),
        )
        response.raise_for_status()
        with response:
            while len(head := response.raw.read(_HEAD_BYTES)) == _HEAD_BYTES:
                yield head[0], response.raw.read(int.from_bytes(head[4:], "big"))

    def _has(self, name: str) -> bool:
        options = self._info.get("SecurityOptions") or []
        return any(str(option).startswith(f"name={name}") for option in options)

    def _check(self) -> None:
        if self._info.get("OSType", "linux") != "linux":
            raise RunnerUnusable(f"{self.name} at {self.url} does not run Linux containers")
        lost = [what for key, what in _NEEDED.items() if self._info.get(key) is False]
        if lost:
            raise RunnerUnusable(
                f"{self.name} at {self.url} cannot limit {' and '.join(lost)} of containers. A "
                "rootless engine needs control groups v2 with systemd's delegation; or use one "
                "that runs as root."
            )
        if self._has("userns") and os.getuid() != 0:
            raise RunnerUnusable(
                f"{self.name} at {self.url} maps users (userns-remap), so this user could not "
                "read what algorithms write. Run the network as root, or use a rootless engine."
            )


def _knock(url: str) -> None:
    """Connect to an engine's socket, for an error that says which fault it is."""
    scheme, _, path = url.partition("://")
    if scheme in ("unix", "http+unix"):
        with socket.socket(socket.AF_UNIX) as knocking:
            knocking.settimeout(_CONNECT_S)
            knocking.connect("/" + path.lstrip("/"))


def _usual_socket() -> str:
    own = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    usual = ["/var/run/docker.sock", f"{own}/docker.sock", f"{own}/podman/podman.sock"]
    usual.append("/run/podman/podman.sock")
    for path in usual:
        if Path(path).exists():
            return f"unix://{path}"
    raise RunnerUnusable(
        f"no container engine was found: none of the sockets {', '.join(usual)} is there. "
        f"{_WHAT_TO_DO}"
    )


_WHAT_TO_DO = (
    "Start Docker (sudo systemctl start docker) or Podman (systemctl --user start podman.socket), "
    "or name the socket of another engine on this machine: DOCKER_HOST=unix:///..., or the runner "
    "option engine (--runner-option engine=unix:///...)."
)


def _why_not(url: str, error: BaseException) -> str:
    if isinstance(error, PermissionError):
        return (
            f"this user may not use the container engine at {url}. Add the user to its group "
            "(sudo usermod -aG docker $USER, and log in again), or use a rootless engine of the "
            "user's own. Who may use Docker's socket can become root."
        )
    return f"no container engine answers at {url}: {error}. {_WHAT_TO_DO}"
