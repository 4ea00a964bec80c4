"""A web back end that runs compute jobs for its users: one `Ocean`, and a wallet for each user."""

import hashlib
import json
import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

from ocean_lib import exceptions as errors
from ocean_lib.config import Config
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.ocean.compute_job import ComputeJob
from ocean_lib.ocean.ocean import Ocean
from ocean_lib.web3_internal.wallet import Wallet

# What each error means to the caller; the first match counts. The messages may be
# passed on: they never hold a key, a signature, or the query of a URL.
HTTP_STATUS: tuple[tuple[Any, int], ...] = (
    (errors.InvalidInput, 422),
    ((errors.JobNotFound, errors.AssetNotFound), 404),
    ((errors.AssetNotConsumable, errors.AccessDenied, errors.WalletError), 403),
    (errors.StartUncertain, 502),  # do not retry blindly: the job may run
    ((errors.WorkflowRefused, errors.JobError), 409),
    (errors.ResponseTooLarge, 413),
    (errors.RequestTimeout, 504),
    (errors.TooManyRequests, 503),
    ((errors.ConnectFailed, errors.ServiceUnavailable), 503),
    (errors.OceanError, 502),
)


class Input(BaseModel):
    """A data set and the order that pays for it."""

    did: str
    order_tx: str
    service_index: int


class NewJob(BaseModel):
    """Data, and a published algorithm with its order, or your own code."""

    inputs: list[Input]
    algorithm_did: str | None = None
    algorithm_order_tx: str | None = None
    algorithm_data_token: str | None = None
    code: dict[str, Any] | None = None  # as AlgorithmMetadata wants it


class Users:
    """Knows users by the SHA-256 of their token, and opens their keystores when needed."""

    def __init__(self, folder: Path, password: str) -> None:
        self._names = json.loads((folder / "tokens.json").read_text(encoding="utf-8"))
        # Cached, since opening a keystore is slow on purpose. The wallets only sign: no chain.
        self._wallet = lru_cache(lambda file: Wallet.from_keystore(None, folder / file, password))

    def wallet(self, token: str) -> Wallet:
        """Return the wallet of the user with this token."""
        name = self._names.get(hashlib.sha256(token.encode()).hexdigest())
        if name is None:
            raise HTTPException(401, "Unknown token.", {"WWW-Authenticate": "Bearer"})
        return self._wallet(f"{name}.json")


Sent = Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]


def wallet_of_caller(request: Request, sent: Sent) -> Wallet:
    return request.app.state.users.wallet(sent.credentials)


Caller = Annotated[Wallet, Depends(wallet_of_caller)]


def job_in_path(request: Request, wallet: Caller, did: str, job_id: str) -> ComputeJob:
    return request.app.state.ocean.compute.job(did, job_id, wallet)


Job = Annotated[ComputeJob, Depends(job_in_path)]


def shown(job: ComputeJob) -> dict[str, Any]:
    status = job.last_status or job.status()
    return {**job.to_dict(), "state": status.state.value, "text": status.text.strip()}


def create_app(ocean: Ocean, users: Users) -> FastAPI:
    app = FastAPI(title="Compute jobs")
    app.state.ocean, app.state.users = ocean, users

    @app.exception_handler(errors.OceanError)
    def say_why(_: Request, error: errors.OceanError) -> JSONResponse:
        status = next(status for kind, status in HTTP_STATUS if isinstance(error, kind))
        return JSONResponse({"error": type(error).__name__, "detail": str(error)}, status)

    @app.post("/jobs", status_code=201)
    def start(new: NewJob, wallet: Caller) -> dict[str, Any]:
        job = ocean.compute.submit(
            [ComputeInput(item.did, item.order_tx, item.service_index) for item in new.inputs],
            wallet,
            algorithm_did=new.algorithm_did,
            algorithm_tx_id=new.algorithm_order_tx,
            algorithm_data_token=new.algorithm_data_token,
            algorithm_meta=AlgorithmMetadata(new.code) if new.code else None,
        )
        return shown(job)

    @app.get("/jobs")
    def jobs(wallet: Caller, did: str | None = None) -> list[dict[str, Any]]:
        return [shown(job) for job in ocean.compute.jobs(wallet, did)]

    @app.get("/jobs/{did}/{job_id}")
    async def status(job: Job, wait: Annotated[float, Query(ge=0, le=60)] = 0) -> dict[str, Any]:
        """Answer at once, or when the job has ended, after `wait` seconds at the latest."""
        with suppress(errors.JobTimeoutError):  # still running is an answer, too
            await job.wait_async(timeout=wait, patience=0)
        return shown(job)

    @app.get("/jobs/{did}/{job_id}/results")
    def results(job: Job) -> list[str]:
        return [file.name for file in job.files()]

    @app.get("/jobs/{did}/{job_id}/results/{name}")
    def result(job: Job, name: str) -> Response:
        # A browser must not show what an algorithm wrote as a page of this server.
        headers = {"X-Content-Type-Options": "nosniff", "Content-Disposition": "attachment"}
        return Response(job.open(name).read(), 200, headers, "application/octet-stream")

    @app.post("/jobs/{did}/{job_id}/stop")
    def stop(job: Job) -> dict[str, Any]:
        job.stop()
        return shown(job)

    return app


def from_environment() -> FastAPI:
    """Make the app for `uvicorn --factory app:from_environment`."""
    folder, password = Path(os.environ["BACKEND_USERS"]), os.environ["BACKEND_PASSWORD"]
    return create_app(Ocean(Config(os.environ["CONFIG_FILE"])), Users(folder, password))
