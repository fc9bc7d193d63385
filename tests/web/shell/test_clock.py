"""What the clock says of a job, in words, through both changes of the clock."""

from __future__ import annotations

import datetime as dt
import zoneinfo

import pytest
from django.template import Context, Template
from django.test import RequestFactory

from dispatch.models import Person, ServiceJob
from dispatch.web.shell import clock

OHIO = zoneinfo.ZoneInfo("America/New_York")
NOW = dt.datetime(2026, 11, 24, 15, 0, tzinfo=dt.UTC)
MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def a_job(
    start: dt.datetime | None = None, *, status: str = "NOT_SERVICED", technicians: int = 1
) -> ServiceJob:
    return ServiceJob(
        status=status,
        time_zone="America/New_York",
        appointment_status="ACTIVE" if start else "",
        scheduled_start=start,
        scheduled_end=start + HOUR if start else None,
        technician_count=technicians,
        preferred_times=[],
    )


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (-5, "0 min"), (0, "0 min"), (42, "42 min"), (59, "59 min"), (60, "1 h"),
        (125, "2 h 5 min"),
        (179, "2 h 59 min"), (180, "3 h"), (185, "3 h"), (47 * 60 + 59, "47 h"),
        (48 * 60, "2 days"),
        (30 * 24 * 60, "30 days"),
    ],
)  # fmt: skip
def test_a_time_between_is_told_in_the_unit_that_says_enough(minutes: int, words: str) -> None:
    assert clock.ago(NOW, NOW + minutes * MINUTE) == words


@pytest.mark.parametrize(
    ("start", "technicians", "words", "tone"),
    [
        (NOW + 2 * HOUR, 1, "starts in 2 h", "strong"),
        (NOW + 5 * HOUR, 1, "starts in 5 h", "muted"),
        (NOW + 3 * DAY, 1, "starts in 3 days", "muted"),
        (NOW - 30 * MINUTE, 1, "window ends in 30 min", "strong"),
        (NOW - HOUR, 1, "window ends in 0 min", "strong"),
        (NOW - 2 * HOUR, 1, "1 h late", "late"),
        (NOW - 2 * HOUR, 0, "1 h late", "late"),
        (NOW + 5 * HOUR, 0, "assign now", "caution"),
        (NOW + 3 * DAY, 0, "nobody assigned", "caution"),
    ],
)
def test_a_scheduled_job_tells_how_it_stands_to_now(
    start: dt.datetime, technicians: int, words: str, tone: str
) -> None:
    remark = clock.remark(a_job(start, technicians=technicians), NOW)
    assert (remark.text, remark.tone) == (words, tone)


def test_late_begins_a_moment_after_the_window() -> None:
    job = a_job(NOW - HOUR)
    assert clock.state(job, NOW).slug == "scheduled"
    assert clock.state(job, NOW + MINUTE).slug == "late"
    assert clock.remark(job, NOW + MINUTE).tone == "late"


@pytest.mark.parametrize(
    "status", ["COMPLETED", "CANCELLED", "NOT_FULFILLABLE", "PAYMENT_DECLINED"]
)
def test_a_closed_job_is_never_late(status: str) -> None:
    job = a_job(NOW - DAY, status=status)
    assert clock.state(job, NOW).slug != "late"
    assert clock.remark(job, NOW).text == ""


@pytest.mark.parametrize(
    ("status", "label"),
    [
        ("PENDING_SCHEDULE", "Pending schedule"), ("NOT_SERVICED", "Scheduled"), ("HOLD", "Hold"),
        ("", "Unknown"), ("SOMETHING_NEW", "Something new"),
    ],
)  # fmt: skip
def test_every_status_has_a_word(status: str, label: str) -> None:
    assert clock.state(a_job(status=status), NOW).label == label


def wishing(*wishes: tuple[str, int]) -> ServiceJob:
    job = a_job(status="PENDING_SCHEDULE")
    job.preferred_times = [
        {"startTime": start, "durationInMinutes": minutes} for start, minutes in wishes
    ]
    return job


def test_an_unscheduled_job_tells_what_the_buyer_prefers() -> None:
    job = wishing(("2026-11-27T14:00:00+00:00", 240), ("2026-11-26T13:00:00+00:00", 240))
    assert clock.remark(job, NOW).text == "buyer prefers Thu 8–12"


def test_a_wish_that_has_passed_gives_way_to_the_next() -> None:
    job = wishing(("2026-11-23T13:00:00+00:00", 240), ("2026-11-27T14:30:00+00:00", 60))
    assert clock.remark(job, NOW).text == "buyer prefers Fri 9:30–10:30"


def test_wishes_that_have_all_passed_are_a_caution() -> None:
    remark = clock.remark(wishing(("2026-11-23T13:00:00+00:00", 240)), NOW)
    assert (remark.text, remark.tone) == ("preferred times passed", "caution")


def test_without_wishes_its_age_is_told() -> None:
    job = a_job(status="HOLD")
    job.created_at = NOW - 3 * DAY
    assert clock.remark(job, NOW).text == "3 days old"
    job.created_at = None
    assert clock.remark(job, NOW).text == ""


@pytest.mark.parametrize(
    ("day", "words"),
    [
        ("2026-11-24", "Today"), ("2026-11-25", "Tomorrow"), ("2026-11-23", "Yesterday"),
        ("2026-11-26", "Thu 26 Nov"), ("2027-01-02", "Sat 2 Jan 2027"),
    ],
)  # fmt: skip
def test_days_near_by_have_names(day: str, words: str) -> None:
    assert clock.day_name(dt.date.fromisoformat(day), dt.date(2026, 11, 24)) == words


# --- The changes of the clock: 8 March 2026, 2:00 → 3:00, and 1 November 2026, 2:00 → 1:00 -----


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("2026-03-08T06:30:00Z", "2026-03-08T07:30:00Z", "1:30–3:30"),
        ("2026-03-08T07:00:00Z", "2026-03-08T08:00:00Z", "3:00–4:00"),
        ("2026-11-01T05:00:00Z", "2026-11-01T06:00:00Z", "1:00–1:00"),
        ("2026-11-01T05:30:00Z", "2026-11-01T07:30:00Z", "1:30–2:30"),
    ],
)
def test_a_window_is_told_as_the_clocks_there_show_it(start: str, end: str, words: str) -> None:
    assert clock.window(at(start), at(end), OHIO) == words


def test_time_told_across_a_change_is_real_time() -> None:
    before, after = at("2026-03-08T06:00:00Z"), at("2026-03-08T08:00:00Z")
    assert clock.remark(a_job(after), before).text == "starts in 2 h"
    assert clock.remark(a_job(at("2026-11-01T07:00:00Z")), at("2026-11-01T05:00:00Z")).text == (
        "starts in 2 h"
    )


def shown(job: ServiceJob, now: dt.datetime, time_zone: str = "") -> str:
    request = RequestFactory().get("/")
    request.user = Person(email="x@example.com", time_zone=time_zone)
    template = Template("{% appointment_time job %}")
    return template.render(Context({"job": job, "now": now, "request": request}))


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ("2026-03-08T06:30:00Z", "Today 1:30–3:30 "),
        ("2026-03-08T07:30:00Z", "Today 3:30–4:30 "),
        ("2026-03-09T03:30:00Z", "Today 23:30–0:30 "),
        ("2026-03-09T04:00:00Z", "Tomorrow 0:00–1:00 "),
    ],
)
def test_today_is_the_jobs_day_on_the_day_of_a_change(start: str, words: str) -> None:
    assert words in shown(a_job(at(start)), at("2026-03-08T12:00:00Z"))


@pytest.mark.parametrize(
    ("start", "zone"),
    [
        ("2026-03-08T05:59:00Z", "EST"), ("2026-03-08T07:00:00Z", "EDT"),
        ("2026-11-01T04:30:00Z", "EDT"), ("2026-11-01T06:30:00Z", "EST"),
        ("2026-03-08T06:30:00Z", "EST–EDT"), ("2026-11-01T05:30:00Z", "EDT–EST"),
    ],
)  # fmt: skip
def test_the_zone_is_that_of_the_moment(start: str, zone: str) -> None:
    assert f">{zone}</span>" in shown(a_job(at(start)), NOW)


def test_the_readers_own_time_is_in_the_tooltip_where_it_differs() -> None:
    job = a_job(at("2026-11-25T15:00:00Z"))
    assert "Wed 25 Nov, 16:00–17:00 CET, your time" in shown(job, NOW, "Europe/Berlin")
    assert "your time" not in shown(job, NOW, "America/Toronto")
    assert "your time" not in shown(job, NOW)


@pytest.mark.parametrize(
    "name", ["", "Nowhere/At_All", "../etc/passwd", "\0", "/absolute", "a" * 300]
)
def test_a_zone_nobody_knows_is_utc(name: str) -> None:
    assert clock.named_zone(name).key == "UTC"
