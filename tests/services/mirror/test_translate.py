"""Translating: whatever Amazon shows is kept, in our names, and found again."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.models import (
    UNSCHEDULED,
    Appointment,
    JobReference,
    JobWord,
    Seller,
    ServiceJob,
)
from dispatch.selectors.jobs import references
from dispatch.web.shell import clock
from tests.conftest import NOW, US, MakeJob
from tests.services.mirror.world import found, store, visit

pytestmark = [pytest.mark.django_db, pytest.mark.database]
Kind = JobReference.Kind


def test_an_id_is_all_that_a_job_needs(seller: Seller) -> None:
    assert store(seller, {"serviceJobId": "JOB-0001"}) == ["JOB-0001"]
    job = ServiceJob.objects.get()
    assert (job.status, job.title, job.quantity) == ("", "", 1)
    assert job.scheduled_key == UNSCHEDULED
    assert job.time_zone == seller.time_zone
    assert job.buyer_data["name"] == ""


def test_every_single_field_may_be_missing(seller: Seller, make_job: MakeJob) -> None:
    whole = make_job(appointments=[visit(1)], associatedItems=[{"asin": "B07BB1RGT5"}])
    for number, name in enumerate(whole):
        part = {key: value for key, value in whole.items() if key != name}
        if "serviceJobId" in part:
            assert store(seller, {**part, "serviceJobId": f"JOB-{number:04}"})


@pytest.mark.parametrize("nothing", [None, "", 0, False, [], {}, "x", 1.5, [None], [[]], {"a": 1}])
def test_a_field_of_a_wrong_type_reads_as_missing(
    seller: Seller, make_job: MakeJob, nothing: Any
) -> None:
    whole = make_job(appointments=[visit(1)], associatedItems=[{"asin": "B07BB1RGT5"}])
    names = [name for name in whole if name != "serviceJobId"]
    jobs = [{**whole, name: nothing, "serviceJobId": name} for name in names]
    assert store(seller, *jobs) == names
    assert ServiceJob.objects.count() == len(names)


@pytest.mark.parametrize("payload", [None, 1, "JOB", [], {}, {"serviceJobId": None}, [["a", 1]]])
def test_what_has_no_id_is_left_out_and_costs_no_neighbour(seller: Seller, payload: Any) -> None:
    assert store(seller, payload, {"serviceJobId": "JOB-0001"}) == ["JOB-0001"]


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**31, 2**63, -(2**63), 10**30, 10**400, -1]),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        [
            "a\0b", "\0", "x" * 10_000, "\ud800", "😀", "=1+1", "2026-11-25T15:00:00Z",
            "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z", "2026-11-25T15:00:00", "PT1H", "1e400", "ACTIVE", "COMPLETED",
        ]
    ),
)  # fmt: skip
JUNK = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def shaped(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An object with these fields, each sound, junk, or left out; or junk altogether."""
    optional = {name: st.one_of(value, JUNK) for name, value in fields.items()}
    return st.one_of(st.fixed_dictionaries({}, optional=optional), JUNK)


TIME = shaped(startTime=SCALARS, durationInMinutes=SCALARS)
TECHNICIAN = shaped(technicianId=SCALARS, name=SCALARS)
ADDRESS = shaped(
    name=SCALARS, addressLine1=SCALARS, city=SCALARS, stateOrRegion=SCALARS, postalCode=SCALARS,
    countryCode=SCALARS, phone=SCALARS,
)  # fmt: skip
VISIT = shaped(
    appointmentId=SCALARS, appointmentStatus=SCALARS, appointmentTime=TIME,
    assignedTechnicians=st.lists(TECHNICIAN, max_size=3), rescheduledAppointmentId=SCALARS,
    poa=shaped(uploadTime=SCALARS, poaType=SCALARS),
)  # fmt: skip
ITEM = shaped(
    asin=SCALARS, title=SCALARS, quantity=SCALARS, orderId=SCALARS, itemStatus=SCALARS,
    brandName=SCALARS, itemDelivery=shaped(estimatedDeliveryDate=SCALARS),
)  # fmt: skip
JOB = st.fixed_dictionaries(
    {},
    optional={
        "serviceOrderId": JUNK,
        "serviceJobStatus": JUNK,
        "createTime": JUNK,
        "marketplaceId": JUNK,
        "storeId": JUNK,
        "scopeOfWork": shaped(
            asin=SCALARS, title=SCALARS, quantity=SCALARS, requiredSkills=st.lists(SCALARS)
        ),
        "preferredAppointmentTimes": st.lists(TIME, max_size=3),
        "appointments": st.lists(VISIT, max_size=3),
        "productOrderIds": st.lists(SCALARS, max_size=3),
        "trackingIds": st.lists(SCALARS, max_size=3),
        "buyer": shaped(name=SCALARS, phone=SCALARS, isPrimeMember=SCALARS),
        "associatedItems": st.lists(ITEM, max_size=3),
        "serviceLocation": shaped(serviceLocationType=SCALARS, address=ADDRESS),
        **dict.fromkeys(("unknown", "payload"), JUNK),
    },
)


@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(payload=JOB)
def test_no_junk_raises_or_loses_the_job(seller: Seller, payload: dict[str, Any]) -> None:
    ServiceJob.objects.all().delete()
    store(seller, {**payload, "serviceJobId": "JOB-0001"})
    job = ServiceJob.objects.get(service_job_id="JOB-0001")
    assert job.payload["serviceJobId"] == "JOB-0001"
    # What a page shows of it can be shown.
    clock.remark(job, NOW)
    clock.state(job, NOW)
    assert isinstance(job.buyer_data["address"], dict)


@pytest.mark.parametrize("sign", ["a\0b", "\0"])
def test_a_null_character_is_dropped_wherever_it_stands(
    seller: Seller, make_job: MakeJob, sign: str
) -> None:
    technician = {"technicianId": f"TECH{sign}", "name": f"Tom{sign}"}
    whole = make_job(
        serviceJobStatus=sign,
        productOrderIds=[f"{sign}1"],
        scopeOfWork={"title": f"TV{sign}", "requiredSkills": [f"TV{sign}"], "asin": sign},
        appointments=[visit(1, assignedTechnicians=[technician])],
        associatedItems=[{"title": f"Bracket{sign}", "orderId": sign}],
    )
    assert store(seller, whole) == ["JOB-0001"]
    job = ServiceJob.objects.get()
    assert "\0" not in job.title + job.technician_names + job.status
    assert "\0" not in job.appointments.get().technicians[0]["technicianId"]
    assert not any("\0" in value for value in job.references.values_list("value", flat=True))


def test_a_null_character_in_the_id_does_not_lose_the_job(seller: Seller) -> None:
    assert store(seller, {"serviceJobId": "JOB\0-1"}) == ["JOB-1"]


def test_numbers_beyond_the_columns_are_kept_in_bounds(seller: Seller, make_job: MakeJob) -> None:
    huge = 2**31
    store(
        seller,
        make_job(
            scopeOfWork={"quantity": huge},
            associatedItems=[{"quantity": huge}],
            appointments=[
                visit(1, appointmentTime={"startTime": NOW.isoformat(), "durationInMinutes": huge})
            ],
            preferredAppointmentTimes=[{"startTime": NOW.isoformat(), "durationInMinutes": 10**15}],
        ),
    )
    job = ServiceJob.objects.get()
    assert job.scheduled_start == NOW
    assert len(clock.preferred_windows(job)) == 1


def test_long_texts_are_cut_to_their_columns_and_whole_in_the_payload(
    seller: Seller, make_job: MakeJob
) -> None:
    store(seller, make_job(buyer={"name": "N" * 10_000}, storeId="S" * 10_000))
    job = ServiceJob.objects.get()
    assert len(job.store_id) == 100
    assert len(job.buyer_data["name"]) == 10_000
    assert job.payload["storeId"] == "S" * 10_000


EARLY, LATE = "2026-11-25T15:00:00Z", "2026-11-26T15:00:00Z"


@pytest.mark.parametrize(
    ("visits", "current"),
    [
        ([visit(1, EARLY), visit(2, LATE, appointmentStatus="CANCELLED")], "APPT-1"),
        ([visit(1, LATE, appointmentStatus="CANCELLED"), visit(2, EARLY)], "APPT-2"),
        (
            [
                visit(1, EARLY, appointmentStatus="COMPLETED"),
                visit(2, LATE, appointmentStatus="CANCELLED"),
            ],
            "APPT-1",
        ),
        ([visit(1, EARLY), visit(2, LATE)], "APPT-2"),
        (
            [
                visit(1, EARLY, appointmentStatus="CANCELLED"),
                visit(2, LATE, appointmentStatus="CANCELLED"),
            ],
            "APPT-2",
        ),
        ([visit(1, None), visit(2, "nonsense")], "APPT-1"),
        ([visit(1, appointmentId=None)], ""),
        ([visit(1, appointmentStatus="SOMETHING_NEW")], "APPT-1"),
    ],
)
def test_the_active_appointment_is_the_current_one_else_the_completed_else_the_latest(
    seller: Seller, make_job: MakeJob, visits: list[dict[str, Any]], current: str
) -> None:
    store(seller, make_job(appointments=visits))
    assert ServiceJob.objects.get().appointment_id == current


def test_a_replaced_appointment_names_its_successor(seller: Seller, make_job: MakeJob) -> None:
    replaced = visit(1, EARLY, appointmentStatus="CANCELLED", rescheduledAppointmentId="APPT-2")
    store(seller, make_job(appointments=[replaced, visit(2, LATE)]))
    chain = dict(Appointment.objects.values_list("appointment_id", "rescheduled_to"))
    assert chain == {"APPT-1": "APPT-2", "APPT-2": ""}
    assert ServiceJob.objects.get().appointment_id == "APPT-2"


def test_technicians_are_those_of_the_current_appointment(
    seller: Seller, make_job: MakeJob
) -> None:
    tom, maya = ({"technicianId": f"TECH-{n.upper()}", "name": n} for n in ("Tom", "Maya"))
    store(
        seller,
        make_job(
            appointments=[
                visit(1, EARLY, appointmentStatus="CANCELLED", assignedTechnicians=[tom]),
                visit(2, LATE, assignedTechnicians=[maya, {"technicianId": "TECH-X"}]),
            ]
        ),
    )
    job = ServiceJob.objects.get()
    assert (job.technician_names, job.technician_count) == ("Maya, TECH-X", 2)
    assert references(job)[Kind.RESOURCE] == ["TECH-MAYA", "TECH-X"]


def test_an_appointment_id_twice_is_one_row(seller: Seller, make_job: MakeJob) -> None:
    store(seller, make_job(appointments=[visit(1, EARLY), visit(1, LATE)]))
    assert Appointment.objects.count() == 1


def test_the_proof_is_kept(seller: Seller, make_job: MakeJob) -> None:
    poa = {"poaType": "POA_RECEIPT", "uploadTime": "2026-11-25T17:00:00Z"}
    store(seller, make_job(appointments=[visit(1, poa=poa)]))
    kept = Appointment.objects.get()
    assert (kept.proof_type, kept.proof_at) == (
        "POA_RECEIPT",
        dt.datetime(2026, 11, 25, 17, tzinfo=dt.UTC),
    )


def at(country: str, state: str, postal_code: str) -> dict[str, Any]:
    return {"address": {"countryCode": country, "stateOrRegion": state, "postalCode": postal_code}}


@pytest.mark.parametrize(
    ("place", "start", "zone", "day"),
    [
        (at("US", "OH", "43017"), "2026-11-26T04:59:00Z", "America/New_York", "2026-11-25"),
        (at("US", "OH", "43017"), "2026-11-26T05:00:00Z", "America/New_York", "2026-11-26"),
        (at("US", "HI", "96801"), "2026-11-26T09:59:00Z", "Pacific/Honolulu", "2026-11-25"),
        (at("DE", "", "10115"), "2026-11-25T23:00:00Z", "Europe/Berlin", "2026-11-26"),
        # The clocks of Ohio go forward on 8 March and back on 1 November 2026.
        (at("US", "OH", "43017"), "2026-03-08T04:59:00Z", "America/New_York", "2026-03-07"),
        (at("US", "OH", "43017"), "2026-03-09T03:59:00Z", "America/New_York", "2026-03-08"),
        (at("US", "OH", "43017"), "2026-03-09T04:00:00Z", "America/New_York", "2026-03-09"),
        (at("US", "OH", "43017"), "2026-11-01T04:00:00Z", "America/New_York", "2026-11-01"),
        (at("US", "OH", "43017"), "2026-11-02T04:59:00Z", "America/New_York", "2026-11-01"),
        ({}, "2026-11-26T05:59:00Z", "America/Chicago", "2026-11-25"),
    ],
)
def test_the_day_of_an_appointment_is_the_day_where_the_job_is(
    seller: Seller, make_job: MakeJob, place: dict[str, Any], start: str, zone: str, day: str
) -> None:
    store(seller, make_job(serviceLocation=place, appointments=[visit(1, start)]))
    job = ServiceJob.objects.get()
    assert (job.time_zone, str(job.local_date)) == (zone, day)


@pytest.mark.parametrize(
    "start", ["2026-11-25T15:00:00Z", "2026-11-25T10:00:00-05:00", "2026-11-25T15:00:00"]
)
def test_every_way_to_write_a_moment_is_the_same_moment(
    seller: Seller, make_job: MakeJob, start: str
) -> None:
    store(seller, make_job(appointments=[visit(1, start)]))
    job = ServiceJob.objects.get()
    assert job.scheduled_start == dt.datetime(2026, 11, 25, 15, tzinfo=dt.UTC)
    assert job.scheduled_end == dt.datetime(2026, 11, 25, 16, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "text",
    [
        "jordan", "EXAMPLE", "Jordan Example", "120 sample", "sample street", "dublin", "43017",
        "+1 614 555 0142", "(614) 555-0142", "5550142", "0142", "job-0001", "JOB-0", "112-44",
        "112-4471932-5510622", "mounting", "tv mounting dublin", "ohio-7", "1ZA",
    ],
)  # fmt: skip
def test_a_job_is_found_by_each_of_its_words(seller: Seller, make_job: MakeJob, text: str) -> None:
    store(
        seller,
        make_job(productOrderIds=["OHIO-7"], trackingIds=["1ZA"]),
        {"serviceJobId": "OTHER", "serviceOrderId": "999"},
    )
    assert found(seller, text) == ["JOB-0001"]


@pytest.mark.parametrize(
    "text", ["jord", "jordan smith", "dublin TX", "55501", "nobody", "😀", "%", "_"]
)
def test_a_job_is_not_found_by_what_it_has_not(
    seller: Seller, make_job: MakeJob, text: str
) -> None:
    store(seller, make_job())
    assert found(seller, text) == []


def test_words_of_one_seller_find_nothing_of_another(seller: Seller, make_job: MakeJob) -> None:
    second = Seller.objects.create(owner=seller.owner, name="Second", marketplace_id=US)
    store(second, make_job())
    assert found(seller, "jordan") == []


def test_words_are_kept_as_keyed_hashes_only(seller: Seller, make_job: MakeJob) -> None:
    store(seller, make_job())
    assert JobWord.objects.count() > 10
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM dispatch_jobword")
        assert "jordan" not in json.dumps(cursor.fetchall(), default=str).lower()
