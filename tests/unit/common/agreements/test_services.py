"""Services are described, built, read and written."""

from __future__ import annotations

from typing import Any

import pytest

from ocean_lib.common.agreements.service_agreement import ServiceAgreement
from ocean_lib.common.agreements.service_factory import ServiceDescriptor, ServiceFactory
from ocean_lib.common.agreements.service_types import ServiceTypes, ServiceTypesIndices
from ocean_lib.common.ddo.ddo import DDO
from ocean_lib.common.ddo.service import Service
from ocean_lib.exceptions import InvalidInput

URL = "http://localhost:8030"


def test_each_type_gets_its_index() -> None:
    services = ServiceFactory.build_services(
        [
            ServiceDescriptor.metadata_service_descriptor({"main": {}}, URL),
            ServiceDescriptor.authorization_service_descriptor(URL),
            ServiceDescriptor.access_service_descriptor({"main": {}}, URL),
            ServiceDescriptor.compute_service_descriptor({"main": {}}, URL),
        ]
    )

    assert [(s.type, s.index) for s in services] == [
        (ServiceTypes.METADATA, 0),
        (ServiceTypes.AUTHORIZATION, 2),
        (ServiceTypes.ASSET_ACCESS, 3),
        (ServiceTypes.CLOUD_COMPUTE, 4),
    ]
    assert ServiceTypesIndices.DEFAULT_PROVENANCE_INDEX == 1
    assert [type(s) for s in services[2:]] == [ServiceAgreement] * 2


def test_a_built_service_is_written_in_the_recorded_order(dataset_ddo: dict[str, Any]) -> None:
    recorded = dataset_ddo["service"][1]

    built = ServiceFactory.build_service(
        ServiceDescriptor.compute_service_descriptor(
            recorded["attributes"], recorded["serviceEndpoint"]
        )
    ).as_dictionary()

    assert list(built.items()) == list(recorded.items())


@pytest.mark.parametrize(
    "descriptor",
    [
        None,
        ["compute", {}],
        ("compute",),
        ("nothing", {}),
        (["compute"], {}),
        ("compute", {"attributes": {}}),
        ("compute", {"serviceEndpoint": URL}),
        ("compute", None),
        ("compute", {"attributes": 5, "serviceEndpoint": URL}),
    ],
)
def test_what_is_no_descriptor_is_refused(descriptor: Any) -> None:
    with pytest.raises(InvalidInput):
        ServiceFactory.build_service(descriptor)


def test_two_services_of_one_type_are_refused() -> None:
    descriptor = ServiceDescriptor.compute_service_descriptor({"main": {}}, URL)

    with pytest.raises(InvalidInput, match="Two services of type 'compute'"):
        ServiceFactory.build_services([descriptor, descriptor])


def test_an_agreement_is_read_from_a_ddo(algorithm_ddo: dict[str, Any]) -> None:
    agreement = DDO(dictionary=algorithm_ddo).get_service(ServiceTypes.ASSET_ACCESS)

    assert isinstance(agreement, ServiceAgreement)
    assert agreement.index == 3
    assert agreement.get_cost() == 1.0
    assert agreement.service_endpoint == algorithm_ddo["service"][1]["serviceEndpoint"]
    assert agreement.as_dictionary() == algorithm_ddo["service"][1]
    assert repr(agreement) == "ServiceAgreement(type='access', index=3)"


def test_an_agreement_is_for_access_or_compute() -> None:
    with pytest.raises(ValueError, match="must be 'access' or 'compute', got None"):
        ServiceAgreement(attributes=None, service_index=3)


def test_an_agreement_has_the_index_of_its_type_unless_told() -> None:
    assert ServiceAgreement({}, service_type="compute").index == 4
    assert ServiceAgreement({}, service_type="compute", service_index=0).index == 0


def test_an_index_that_was_not_read_is_not_written() -> None:
    read = ServiceAgreement.from_json({"type": "compute", "attributes": {"main": {}}})

    assert read.index == 4
    assert read.as_dictionary() == {"type": "compute", "attributes": {"main": {}}}


NO_COSTS = [None, "much", "nan", "1e999", float("inf"), True, [], {}, 10**400]


@pytest.mark.parametrize("main", [{}, *({"cost": cost} for cost in NO_COSTS)])
def test_a_cost_that_is_no_number_is_an_error(main: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="cost"):
        ServiceAgreement({"main": main}, service_type="access").get_cost()


def test_a_service_without_main_says_so() -> None:
    with pytest.raises(InvalidInput, match="attributes of the 'metadata' service has no 'main'"):
        _ = Service(URL, "metadata", {}).main


def test_endpoint_and_attributes_can_be_changed() -> None:
    service = Service.from_json({"type": "metadata", "extra": 1})

    service.set_service_endpoint(URL)
    service.attributes["main"] = {}

    assert service.values() == {"extra": 1}
    assert service.as_dictionary() == {
        "type": "metadata",
        "extra": 1,
        "attributes": {"main": {}},
        "serviceEndpoint": URL,
    }


def test_objects_in_the_attributes_are_written_as_their_dict() -> None:
    inner = Service(URL, "inner", {})

    written = Service(URL, "outer", {"one": inner, "many": [inner]}).as_dictionary()

    assert written["attributes"] == {
        "one": inner.as_dictionary(),
        "many": [inner.as_dictionary()],
    }
