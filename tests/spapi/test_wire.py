"""What goes on the wire, to the letter."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import Path
from urllib.parse import parse_qs, unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.spapi import OPERATIONS
from dispatch.spapi.wire import (
    USER_AGENT,
    VERSION,
    amazon_date,
    body,
    split_endpoint,
    target,
    timeouts,
    timestamp,
)

# A busy machine is no failure.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

JOB = OPERATIONS["getServiceJobByServiceJobId"]
JOBS = OPERATIONS["getServiceJobs"]
RESCHEDULE = OPERATIONS["rescheduleAppointmentForServiceJobByServiceJobId"]
RESERVATION = OPERATIONS["createReservation"]
NOON = datetime(2030, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)


class Status(Enum):
    HOLD = "HOLD"


@patient
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.text(min_size=1))
def test_any_id_arrives_as_it_is(job, appointment):
    ids = [value if value not in (".", "..") else "x" for value in (job, appointment)]
    try:
        path = target(RESCHEDULE, ids, {}, "M")
    except UnicodeEncodeError:
        return
    parts = path.split("/")
    assert len(parts) == 7
    assert [unquote(parts[4]), unquote(parts[6])] == ids
    assert "?" not in path
    assert "#" not in path


@pytest.mark.parametrize(
    "odd", ["a/b", "x<->y", "two words", "../..", "%2F", "a?b=c#d", "{appointmentId}", "é😀", "+"]
)
def test_odd_ids_arrive_over_a_real_connection(odd, amazon, services):
    services.reschedule_appointment_for_service_job_by_service_job_id(odd, odd)
    segments = amazon.heard[0].segments
    assert (segments[4], segments[6], len(segments)) == (odd, odd, 7)


@pytest.mark.parametrize("bad", ["", ".", ".."])
def test_an_id_that_would_ask_for_something_else_is_refused(bad, amazon, services):
    with pytest.raises(ValueError, match="serviceJobId"):
        services.get_service_job_by_service_job_id(bad)
    assert amazon.heard == []


@pytest.mark.parametrize("bad", [None, True, 1.5, b"J", ["J"]])
def test_an_id_is_a_string(bad, services):
    with pytest.raises(TypeError, match="serviceJobId"):
        services.get_service_job_by_service_job_id(bad)


@patient
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters=","))))
def test_lists_are_comma_separated(values):
    path = target(JOBS, [], {"storeIds": values}, "M")
    query = parse_qs(path.partition("?")[2], keep_blank_values=True)
    if values:
        assert query["storeIds"] == [",".join(values)]
    else:
        assert "storeIds" not in query


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("A,B", "A,B"),
        (["A", "B"], "A,B"),
        (("A",), "A"),
        ({"B", "A"}, "A,B"),
        ([Status.HOLD], "HOLD"),
        (Status.HOLD, "HOLD"),
        (20, "20"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        ("", ""),
        (NOON, "2030-01-31T12:00:00.123Z"),
        (date(2030, 1, 31), "2030-01-31"),
        ("a b&c=d+e%", "a b&c=d+e%"),
    ],
)
def test_query_values_arrive(value, text, amazon, services):
    services.get_service_jobs(serviceJobStatus=value)
    assert amazon.heard[0].query["serviceJobStatus"] == text


def test_none_and_empty_lists_are_not_sent(amazon, services):
    services.get_service_jobs(createdAfter=None, asins=[])
    assert set(amazon.heard[0].query) == {"marketplaceIds"}


def test_the_marketplace_is_filled_in_only_where_left_out(amazon, services):
    services.get_service_jobs(marketplaceIds=["A1"])
    services.create_reservation(resourceId="R", reservation={"type": "BREAK"})
    assert amazon.heard[0].query == {"marketplaceIds": "A1"}
    assert amazon.heard[1].query == {"marketplaceIds": "ATVPDKIKX0DER"}
    assert amazon.heard[1].json == {"resourceId": "R", "reservation": {"type": "BREAK"}}


def test_the_cancellation_reason_goes_in_the_query(amazon, services):
    services.cancel_service_job_by_service_job_id("J", cancellationReasonCode="V1")
    heard = amazon.heard[0]
    assert (heard.method, heard.query, heard.body) == ("PUT", {"cancellationReasonCode": "V1"}, b"")
    assert "content-type" not in heard.headers


def test_the_reschedule_goes_to_its_appointment(amazon, services):
    services.reschedule_appointment_for_service_job_by_service_job_id(
        "J", "A", appointmentTime={"startTime": NOON}, rescheduleReasonCode="R1"
    )
    heard = amazon.heard[0]
    assert heard.path == "/service/v1/serviceJobs/J/appointments/A"
    assert heard.json == {
        "appointmentTime": {"startTime": "2030-01-31T12:00:00.123Z"},
        "rescheduleReasonCode": "R1",
    }


def test_both_spellings_ask_for_the_same_slots(amazon, services):
    services.get_appointmment_slots_by_job_id("J")
    services.get_appointment_slots_by_job_id("J")
    assert amazon.heard[0].target == amazon.heard[1].target


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda s: s.get_service_jobs(pagesize=5), "pagesize"),
        (lambda s: s.get_service_jobs(body={}), "body"),
        (lambda s: s.cancel_service_job_by_service_job_id("J", reason="x"), "reason"),
        (lambda s: s.complete_service_job_by_service_job_id("J", force=1), "force"),
        (lambda s: s.get_service_job_by_service_job_id("J", marketplaceIds=[]), "marketplaceIds"),
        (lambda s: s.update_schedule("R", schedules=[], x_y=None), "x_y"),
        (lambda s: s.create_reservation(body={"resourceId": "R", "color": 1}), "color"),
        (lambda s: s.create_reservation(body={"marketplaceIds": "A"}), "marketplaceIds"),
    ],
)
def test_an_undeclared_keyword_is_named_and_not_sent(call, name, amazon, services):
    with pytest.raises(TypeError, match=name):
        call(services)
    assert amazon.heard == amazon.token_requests == []


def test_a_key_given_twice_is_refused(services):
    with pytest.raises(TypeError, match="twice"):
        services.update_schedule("R", body={"schedules": []}, schedules=[1])


def test_a_body_is_a_mapping(services):
    with pytest.raises(TypeError, match="mapping"):
        services.update_schedule("R", body=[1])


def test_body_and_keywords_may_share_the_work(amazon, services):
    services.create_reservation(body={"resourceId": "R"}, reservation={"type": "BREAK"})
    assert amazon.heard[0].json == {"resourceId": "R", "reservation": {"type": "BREAK"}}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@patient
@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_any_body_arrives_as_it_is(content):
    sent = body(RESERVATION, {"reservation": content})
    assert sent is not None
    assert json.loads(sent) == {"reservation": content}


def test_body_values_of_python_become_those_of_json():
    content = {"a": NOON, "b": Status.HOLD, "c": Decimal("5"), "d": Decimal("1.5"), "e": {2, 1}}
    sent = json.loads(body(RESERVATION, {"reservation": content}) or b"")
    assert sent["reservation"] == {
        "a": "2030-01-31T12:00:00.123Z",
        "b": "HOLD",
        "c": 5,
        "d": 1.5,
        "e": [1, 2],
    }


@pytest.mark.parametrize("bad", [object(), b"bytes", 1j])
def test_what_json_does_not_know_is_refused(bad):
    with pytest.raises(TypeError):
        body(RESERVATION, {"reservation": bad})
    with pytest.raises(TypeError):
        target(JOBS, [], {"pageToken": bad}, "M")


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_json_has_no_infinity(bad):
    with pytest.raises(ValueError, match="JSON"):
        body(RESERVATION, {"reservation": bad})


@patient
@given(
    st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(9000, 1, 1)),  # noqa: DTZ001
    st.integers(-14 * 60, 14 * 60),
)
def test_times_are_utc_with_milliseconds(naive, minutes):
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    text = timestamp(moment)
    assert text.endswith("Z")
    assert len(text) == len("2030-01-31T12:00:00.000Z")
    back = datetime.fromisoformat(text)
    assert timedelta(0) <= moment - back < timedelta(milliseconds=1)


def test_a_time_without_zone_is_refused(amazon, services):
    naive = datetime(2030, 1, 1)  # noqa: DTZ001
    with pytest.raises(ValueError, match="time zone"):
        services.get_service_jobs(createdAfter=naive)
    with pytest.raises(ValueError, match="time zone"):
        services.add_appointment_for_service_job_by_service_job_id(
            "J", appointmentTime={"startTime": naive}
        )
    assert amazon.heard == []


def test_amazons_date_is_utc():
    assert amazon_date(0) == "19700101T000000Z"
    assert amazon_date(1_800_000_000.9) == "20270115T080000Z"


@pytest.mark.parametrize(
    ("given", "both"), [(None, (5, 30)), (3, (3, 3)), (0.5, (0.5, 0.5)), ((1, 2), (1, 2))]
)
def test_timeouts(given, both):
    assert timeouts(given) == both


def test_an_endpoint_may_have_a_path():
    assert split_endpoint("https://host:8443/api/") == ("https://host:8443", "/api")
    assert split_endpoint(" https://host ") == ("https://host", "")


@pytest.mark.parametrize("bad", ["host", "ftp://host", "https://", "", "https://u:p@host"])
def test_a_bad_endpoint_is_refused_without_showing_it(bad):
    with pytest.raises(ValueError, match="endpoint") as caught:
        split_endpoint(bad)
    assert "u:p" not in str(caught.value)


def test_every_id_is_in_its_place():
    assert target(JOB, ["J 1"], {}, "M") == "/service/v1/serviceJobs/J%201"


def test_the_user_agent_tells_the_projects_version():
    project = Path(__file__).parents[2] / "pyproject.toml"
    assert tomllib.loads(project.read_text())["project"]["version"] == VERSION
    assert len(USER_AGENT) <= 500
