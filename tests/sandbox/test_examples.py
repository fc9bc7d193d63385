"""Every example of Amazon's model, driven against a world in which it is true."""

from __future__ import annotations

import functools
import json
from collections import Counter
from typing import Any
from urllib.parse import quote

import pytest

from dispatch.sandbox.realm import US
from dispatch.spapi.operations import OPERATIONS

from .conftest import MODEL, Schema

T25687 = "1-9cb9bc29-3d7d-5e49-5709-efb693t25687"
SUFFIX25687 = f"{T25687}_87b9d5f2-839d-y13e-sd4d-dae1c3996s3d"
D34468 = "9cb9bc29-3d7d-5e49-5709-efb693d34468"
SUFFIX34468 = f"{D34468}_00b9d5f2-839d-c13e-b8cd-dae1c3995b2a"
IUT = "48b6d5a3-b708-dbe9-038d-dd95e8d74iut"
HASH = "z06EuBzgzc7GiDNVqcxMqYEr7n0BCS9EtNN7szHe0RT="


def job(job_id: str, status: str = "NOT_SERVICED", *appointments: dict[str, Any]) -> dict[str, Any]:
    return {"serviceJobId": job_id, "serviceJobStatus": status, "appointments": [*appointments]}


def booked(
    appointment_id: str, status: str = "ACTIVE", *names: str, at: str = "2020-08-01T09:00:00Z"
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "appointmentId": appointment_id,
        "appointmentStatus": status,
        "appointmentTime": {"startTime": at, "durationInMinutes": 60},
    }
    if names:
        found["assignedTechnicians"] = [{"technicianId": one, "name": one} for one in names]
    return found


def resource(resource_id: str, *schedule: str) -> dict[str, Any]:
    found: dict[str, Any] = {"resourceId": resource_id}
    if schedule:
        found["schedules"] = [{"startTime": schedule[0], "endTime": schedule[1]}]
    return found


def reservation(number: str, resource_id: str, start: str, end: str) -> dict[str, Any]:
    availability = {"startTime": start, "endTime": end}
    inner = {"reservationId": number, "type": "BREAK", "availability": availability}
    return {"resourceId": resource_id, "reservation": inner}


LISTED = {
    "serviceOrderId": "2345324",
    "serviceJobId": "34534399990035",
    "createTime": "2019-12-11T14:49:53.952Z",
    "serviceJobStatus": "COMPLETED",
    "buyer": {"name": "nameExample"},
    "appointments": [
        {
            "appointmentId": "appointmentIdExample",
            "appointmentStatus": "COMPLETED",
            "appointmentTime": {"startTime": "2020-01-31T06:38:56.961Z", "durationInMinutes": 60},
            "assignedTechnicians": [{"technicianId": "technicianIdExample", "name": "nameExample"}],
        }
    ],
}
CLOSING = {
    "jobs": [
        job(f"validJobId-{IUT}", "NOT_SERVICED", booked("appointment-1")),
        job(f"completedJobId-{IUT}", "COMPLETED", booked("appointment-2", "COMPLETED")),
    ],
    "unauthorizedJobIds": [f"unauthorizedJobId-{IUT}"],
}
BOOKING = {
    "now": "2020-06-01T00:00:00Z",
    "jobs": [
        job(f"validJobId-1-{D34468}", "PENDING_SCHEDULE"),
        job(f"validJobId-{D34468}", "PENDING_SCHEDULE"),
        job(f"withActiveAppointmentJobId-{D34468}", "NOT_SERVICED", booked("appointment-1")),
    ],
}
BUSY = booked(
    "appointment-3", "ACTIVE", "ATechnicianId", "BTechnicianId", at="2021-01-01T10:00:00Z"
)
MOVING = {
    "now": "2020-06-01T00:00:00Z",
    "jobs": [
        job(f"validJobId-1-{D34468}", "NOT_SERVICED", booked(f"validJobId-1-{SUFFIX34468}")),
        job(
            f"validJobId-3-{D34468}",
            "NOT_SERVICED",
            booked(f"validJobId-3-{SUFFIX34468}", "ACTIVE", "ATechnicianId", "BTechnicianId"),
        ),
        job(f"validJobId-{D34468}", "NOT_SERVICED", booked(f"validJobId-{SUFFIX34468}")),
        job("other-job", "NOT_SERVICED", BUSY),
    ],
}
ASSIGNING = {
    "jobs": [
        job(
            f"validJobId-{T25687}",
            "NOT_SERVICED",
            booked(f"validAppointmentId-{SUFFIX25687}"),
            booked(f"cancelledAppointmentId-{SUFFIX25687}", "CANCELLED"),
        ),
        job(
            f"completedJobId-{T25687}",
            "COMPLETED",
            booked(f"completedAppointmentId-{SUFFIX25687}", "COMPLETED"),
        ),
    ],
    "resources": [
        resource("validResourceId-A8B3M999LMHF2"),
        resource("validResourceId-AMIDIAX1H5V"),
        resource("overBookedResourceId-A8B3M999LMHF2"),
    ],
    "overbookedResourceIds": ["overBookedResourceId-A8B3M999LMHF2"],
    "unauthorizedJobIds": [f"unauthorizedJobId-{T25687}"],
}
NUMBERS = "348293-2384982-239847982379"


def document(name: str, **more: Any) -> dict[str, Any]:
    kept = {"expires": "2024-01-01T00:00:00Z", "contentSha256": HASH}
    return {"uploadDestinationId": name, **kept, **more}


FULFILLING = {
    "now": "2023-01-01T00:00:00Z",
    "jobs": [
        job(f"validJobId-{T25687}", "NOT_SERVICED", booked(f"validAppointmentId-{SUFFIX25687}")),
        job(f"validJobId-1-{D34468}", "NOT_SERVICED", booked(f"validAppointmentId-{SUFFIX34468}")),
        job(
            f"validJobId-{D34468}",
            "NOT_SERVICED",
            booked(f"validJobId-{SUFFIX34468}"),
            booked(f"validAppointmentId-{SUFFIX34468}"),
        ),
    ],
    "resources": [
        resource("validResourceId-20334421900"),
        resource("validResourceId-82309484378"),
    ],
    "documents": [
        document(f"validUploadDesitnationID{NUMBERS}"),
        document(NUMBERS),
        document(f"UploadDestinationIdExpired-{D34468}", expires="2022-01-01T00:00:00Z"),
        document(f"InvalidDocumentLengthUploadDestinationId-{D34468}", problem="length"),
        document(f"DocumentNotUploadedUploadDestinationId-{D34468}", uploaded=False),
        document(f"validUploadDestinationId-{D34468}"),
        document(f"UploadedFileDetectedMalwareUploadeDestinationId-{NUMBERS}", problem="malware"),
    ],
}
RANGE_RESOURCE = "validResourceId-9d267d55-9426-5bfp-cc47-f167gb969f48"
FIXED_RESOURCE = "validResourceId-9e378g66-9537-6ggq-dd48-f167gb969f48"
MEASURING = {
    "resources": [
        resource(RANGE_RESOURCE, "2021-04-04T00:00:00Z", "2021-04-04T02:00:00Z"),
        resource(
            RANGE_RESOURCE.replace("f48", "f29"), "2022-03-01T00:00:00Z", "2022-05-30T00:00:00Z"
        ),
        resource(FIXED_RESOURCE, "2021-04-04T00:00:00Z", "2021-04-04T01:00:00Z"),
        resource(f"{RANGE_RESOURCE}b"),
        resource("validResourceId-9d267d55-9dfa-5bfp-cc47-f167gb969f48a"),
    ],
    "reservations": [
        reservation("1", RANGE_RESOURCE, "2021-04-04T00:00:00Z", "2021-04-04T01:00:00Z"),
        reservation("2", FIXED_RESOURCE, "2021-04-04T00:00:00Z", "2021-04-04T00:30:00Z"),
    ],
}
FULL_SLOT = {"startTime": "2021-04-04T01:00:00Z", "capacity": 0}
E827 = "9c156c44-8315-4aeb-bb36-e056fa827e36"
PLANNING = {
    "now": "2021-04-01T00:00:00Z",
    "jobs": [job(f"validJob-{E827}", "PENDING_SCHEDULE")],
    "slots": [FULL_SLOT],
    "resources": [resource(f"validResourceId-{E827}")],
    "reservations": [
        reservation(
            number, f"validResourceId-{E827}", "2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z"
        )
        for number in ("456", f"validReservationId-{E827}")
    ],
}
WORLDS: dict[str, dict[str, Any]] = {
    "getServiceJobByServiceJobId": {"jobs": [LISTED]},
    "getServiceJobs": {"jobs": [LISTED]},
    "cancelServiceJobByServiceJobId": CLOSING,
    "completeServiceJobByServiceJobId": CLOSING,
    "addAppointmentForServiceJobByServiceJobId": BOOKING,
    "rescheduleAppointmentForServiceJobByServiceJobId": MOVING,
    "assignAppointmentResources": ASSIGNING,
    "setAppointmentFulfillmentData": FULFILLING,
    "getRangeSlotCapacity": MEASURING,
    "getFixedSlotCapacity": MEASURING,
    "createServiceDocumentUploadDestination": {},
}

#: What an example leaves out though the model requires it.
WINDOW = {"startTime": "2021-04-04T00:00:00Z", "endTime": "2021-04-04T02:00:00Z"}
COMPLETED_BY: dict[tuple[str, str, int], dict[str, Any]] = {
    ("getServiceJobByServiceJobId", "200", 0): {"serviceJobId": LISTED["serviceJobId"]},
    ("getServiceJobs", "200", 0): {"createdAfter": "2019-01-01T00:00:00Z"},
    # The default range is "as per business configuration", so the one answered is asked for.
    ("getAppointmmentSlotsByJobId", "200", 0): WINDOW,
    ("getAppointmentSlots", "200", 0): WINDOW,
}

#: Examples whose words are not ours, and why. Status and error codes hold for them too.
_NEW_ID = "the id is drawn anew each time"
_ANY = "the answer shows a sample, not what was asked"
WORDS_DIFFER: dict[tuple[str, str, int], str] = {
    ("getServiceJobByServiceJobId", "200", 0): "the example's payload is empty",
    ("getServiceJobs", "200", 0): "one job has neither a next nor a previous page",
    ("addAppointmentForServiceJobByServiceJobId", "200", 0): _NEW_ID,
    ("rescheduleAppointmentForServiceJobByServiceJobId", "200", 0): _NEW_ID,
    ("rescheduleAppointmentForServiceJobByServiceJobId", "200", 1): _NEW_ID,
    ("assignAppointmentResources", "422", 0): "the text names another job than the request",
    ("setAppointmentFulfillmentData", "422", 12): "a letter is missing: 'ne or more'",
    ("getRangeSlotCapacity", "200", 1): "another resource, and an end outside the range",
    ("createReservation", "200", 0): _ANY,
    ("updateReservation", "200", 0): _ANY,
    ("createServiceDocumentUploadDestination", "200", 0): "keys and links are drawn anew",
}


def examples() -> list[Any]:
    if not MODEL.exists():
        return []
    found = []
    for operation in _operations():
        for status, response in operation["responses"].items():
            listed = response.get("x-amzn-api-sandbox", {}).get("static", [])
            for index, example in enumerate(listed):
                name = operation["operationId"]
                where = (name, status, index)
                found.append(pytest.param(where, example, id=f"{name}-{status}-{index}"))
    return found


@functools.cache
def _model() -> dict[str, Any]:
    return json.loads(MODEL.read_text())


def _operations() -> list[dict[str, Any]]:
    paths = _model()["paths"].values()
    return [one for path in paths for key, one in path.items() if key != "parameters"]


def parameters(where: tuple[str, str, int], example: dict[str, Any]) -> dict[str, Any]:
    given = {}
    for name, holder in example["request"]["parameters"].items():
        # One example has its resourceId inside the body's holder.
        given |= {key: one["value"] for key, one in holder.items() if key == "resourceId"}
        given[name] = holder["value"]
    return {**given, **COMPLETED_BY.get(where, {})}


def send(api: Any, operation: str, given: dict[str, Any]) -> Any:
    declared = OPERATIONS[operation]
    path = declared.path.removeprefix("/service/v1")
    for name in declared.path_parameters:
        path = path.replace(f"{{{name}}}", quote(str(given.pop(name, "")), safe=""))
    body = given.pop("body", None)
    if declared.needs_marketplace:
        given["marketplaceIds"] = US
    return api.call(declared.method, path, body, **given)


def shape(body: Any) -> Any:
    """Only the codes, where there are any."""
    if isinstance(body, list):
        return [one["code"] for one in body]
    if isinstance(body, dict):
        return {key: shape(body[key]) for key in ("errors", "warnings") if key in body}
    return None


@pytest.mark.parametrize(("where", "example"), examples())
def test_it_answers_as_the_model_shows(api: Any, where: Any, example: dict[str, Any]) -> None:
    operation, status, _ = where
    api.load(**WORLDS.get(operation, PLANNING))

    answer = send(api, operation, parameters(where, example))

    assert answer.status_code == int(status), answer.text
    expected = example["response"]
    found = answer.json() if answer.content else type(expected)()
    if where in WORDS_DIFFER:
        assert shape(found) == shape(expected)
    else:
        assert found == expected
    if status == "200":
        _check_shape(api, operation, found)


def _check_shape(api: Any, operation: str, found: Any) -> None:
    """Successful answers match the schema the model gives for them."""
    schema = next(
        one["responses"]["200"]["schema"]
        for one in _operations()
        if one["operationId"] == operation
    )
    assert Schema(_model()).problems(schema["$ref"].rsplit("/", 1)[1], found) == []


def test_every_example_is_driven(model: dict[str, Any]) -> None:
    text = json.dumps(model)
    held = sum(
        len(response["x-amzn-api-sandbox"]["static"])
        for one in _operations()
        for response in one["responses"].values()
        if "x-amzn-api-sandbox" in response
    )
    assert len(examples()) == held == text.count('"request": {"parameters"')


def test_every_operation_has_an_example(model: dict[str, Any]) -> None:
    counted = Counter(one.values[0][0] for one in examples())
    assert set(counted) == set(OPERATIONS)


def test_the_exceptions_name_examples_that_exist(model: dict[str, Any]) -> None:
    known = {one.values[0] for one in examples()}
    assert set(WORDS_DIFFER) <= known
    assert set(COMPLETED_BY) <= known


def test_the_unassigned_technicians_are_named(api: Any) -> None:
    api.load(**MOVING)
    given = {
        "serviceJobId": f"validJobId-3-{D34468}",
        "appointmentId": f"validJobId-3-{SUFFIX34468}",
        "body": {
            "appointmentTime": {"startTime": "2021-01-01T10:00:00.000Z"},
            "rescheduleReasonCode": "R1",
        },
    }
    answer = send(api, "rescheduleAppointmentForServiceJobByServiceJobId", given)
    message = "Unassigned resources : ATechnicianId,BTechnicianId"
    assert answer.json()["warnings"] == [{"code": "RESOURCES_UNASSIGNED", "message": message}]
