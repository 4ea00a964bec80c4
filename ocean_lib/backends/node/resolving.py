"""A plan as a node takes it: services by their ids, parameters checked, the algorithm described."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.documents.parameters import filled
from ocean_lib.documents.view import AlgorithmView, AssetView, ServiceView
from ocean_lib.exceptions import InvalidInput
from ocean_lib.jobs.plan import Algorithm, JobPlan
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
from ocean_lib.models.compute_input import ComputeInput

ViewOf = Callable[[str], AssetView]
"""Returns an asset by its DID."""


def resolved(plan: JobPlan, view_of: ViewOf, *, describes: bool) -> JobPlan:
    """Return a plan with its services by their ids, and parameters that their documents offer.

    Args:
        plan: the job.
        view_of: looks assets up.
        describes: add how the algorithm is run, which a node knows itself only of a paid job.

    Raises:
        InvalidInput: a parameter is missing, wrong or unknown; or algorithm_did is a data set.
        NoComputeService: there is no such service.
    """
    datasets = tuple(
        _input(item, view_of(item.did)) if isinstance(item, ComputeInput) else item
        for item in plan.datasets
    )
    found = replace(plan, datasets=datasets)
    did = plan.algorithm.did
    return _with_algorithm(found, view_of(did), describes) if did else found


def algorithm_service(asset: AssetView, algorithm: Algorithm) -> ServiceView:
    """Return the service of a published algorithm that is meant."""
    if algorithm.service_id is not None:
        return asset.service(algorithm.service_id)
    return asset.first(ServiceTypes.ASSET_ACCESS, ServiceTypes.CLOUD_COMPUTE)


def _input(item: ComputeInput, asset: AssetView) -> ComputeInput:
    service = asset.service(item.service_id)
    userdata = filled(
        item.userdata, service.parameters, name="userdata", of=f"service {service.id} of {item.did}"
    )
    return replace(item, service_id=service.id, userdata=userdata)


def _with_algorithm(plan: JobPlan, asset: AssetView, describes: bool) -> JobPlan:
    view = asset.algorithm
    if view is None:
        raise InvalidInput(
            f"{asset.did} is not an algorithm, but of type {asset.type}. Check algorithm_did."
        )
    algorithm = replace(
        plan.algorithm,
        service_id=algorithm_service(asset, plan.algorithm).id,
        meta=_meta(view) if describes else None,
    )
    custom = filled(plan.custom_data, view.parameters, name="algocustomdata", of=asset.did)
    return replace(plan, algorithm=algorithm, custom_data=custom)


def _meta(view: AlgorithmView) -> AlgorithmMetadata:
    texts = {"language": view.language, "version": view.version}
    return AlgorithmMetadata({**texts, "container": dict(view.container)})
