"""The jobs list: its parts, its order, its export, and a fresh look at Amazon."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from icalendar import Calendar

from dispatch.models import Activity, Membership, Person, Seller, SyncJob
from dispatch.selectors.listing.counting import Count
from dispatch.services.mirror import store
from dispatch.web.jobs import job_list as screen
from tests.conftest import NOW, Amazon, MakeJob

pytestmark = pytest.mark.django_db
SWAP = {"HTTP_HX_REQUEST": "true"}


def visit(start: str, *technicians: str) -> dict[str, Any]:
    return {
        "appointmentId": "A",
        "appointmentStatus": "ACTIVE",
        "appointmentTime": {"startTime": start, "durationInMinutes": 60},
        "assignedTechnicians": [
            {"technicianId": f"TECH-{n.upper()}", "name": n} for n in technicians
        ],
    }


def put(seller: Seller, *jobs: dict[str, Any]) -> None:
    store.store(seller, jobs, fetched_at=NOW)


def many(make_job: MakeJob, count: int) -> list[dict[str, Any]]:
    start = NOW + dt.timedelta(days=1)
    return [
        make_job(
            f"JOB-{n:04}",
            serviceJobStatus="NOT_SERVICED",
            appointments=[visit((start + dt.timedelta(minutes=n // 3)).isoformat(), "Tom", "Maya")],
        )
        for n in range(count)
    ]


@pytest.fixture
def as_bob(client: Client, bob: Person, seller: Seller) -> Client:
    client.force_login(bob)
    return client


def ids(response: Any) -> list[str]:
    return [job.service_job_id for job in response.context["rows"]]


def exported(client: Client, query: str = "") -> list[dict[str, str]]:
    response = client.get(f"/jobs/export.csv{query}")
    assert response.status_code == 200
    text = b"".join(response).decode()  # type: ignore[arg-type]
    return list(csv.DictReader(io.StringIO(text, newline="")))


# --- One view, four answers -------------------------------------------------------------------


def test_a_page_is_whole(as_bob: Client, seller: Seller, make_job: MakeJob) -> None:
    put(seller, make_job())
    page = as_bob.get("/jobs/").content.decode()
    assert "<!doctype html>" in page
    assert "<h1>Jobs</h1>" in page
    assert 'id="job-list"' in page
    assert 'data-announce="1 job"' in page


def test_htmx_gets_the_list_and_what_changes_around_it(
    as_bob: Client, seller: Seller, make_job: MakeJob
) -> None:
    put(seller, make_job())
    part = as_bob.get("/jobs/?view=all", **SWAP).content.decode()
    assert "<html" not in part
    assert part.strip().startswith('<section class="panel list" id="job-list"')
    for name in ("views", "filters", "export", "calendar-file", "refresh-query", "save-query"):
        element = part[part.index(f'id="{name}"') :]
        assert "hx-swap-oob" in element[: element.index(">")]


@pytest.mark.parametrize("more", ["HTTP_HX_BOOSTED", "HTTP_HX_HISTORY_RESTORE_REQUEST"])
def test_a_boosted_link_and_a_restored_page_are_whole(as_bob: Client, more: str) -> None:
    page = as_bob.get("/jobs/", **SWAP, **{more: "true"}).content.decode()
    assert "<!doctype html>" in page
    assert "hx-swap-oob" not in page


@pytest.mark.parametrize("asks", [{}, SWAP])
def test_no_cache_keeps_or_mixes_the_answers(as_bob: Client, asks: dict[str, str]) -> None:
    response = as_bob.get("/jobs/", **asks)
    assert "HX-Request" in response["Vary"]
    assert "no-store" in response["Cache-Control"]
    assert "private" in response["Cache-Control"]


def test_a_head_request_is_answered(as_bob: Client) -> None:
    assert as_bob.head("/jobs/").status_code == 200


def test_no_buyer_data_is_on_the_list(as_bob: Client, seller: Seller, make_job: MakeJob) -> None:
    put(seller, make_job())
    page = as_bob.get("/jobs/").content.decode()
    for word in ("Jordan", "555 0142", "Sample Street", "43017"):
        assert word not in page


@time_machine.travel(dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC), tick=False)
def test_the_list_costs_the_same_queries_with_50_rows_as_with_10(
    as_bob: Client, seller: Seller, make_job: MakeJob
) -> None:
    """While the clock stands: who looks, and that somebody does, is noted now and then."""

    def cost(rows: int) -> tuple[int, int]:
        put(seller, *many(make_job, rows))
        return asked(), asked()

    def asked() -> int:
        with CaptureQueriesContext(connection) as captured:
            as_bob.get("/jobs/")
        return len(captured)

    as_bob.get("/jobs/")
    few = cost(10)
    assert cost(50) == few
    assert max(few) < 20


def test_what_did_not_change_is_not_counted_again(
    as_bob: Client, seller: Seller, make_job: MakeJob
) -> None:
    def counted() -> bool:
        with CaptureQueriesContext(connection) as captured:
            as_bob.get("/jobs/?view=all")
        return "COUNT" in str(captured.captured_queries)

    put(seller, *many(make_job, 2))
    assert counted()
    assert not counted()
    put(seller, *many(make_job, 3))
    assert counted()


def test_the_list_opens_no_sealed_value(as_bob: Client, seller: Seller, make_job: MakeJob) -> None:
    put(seller, *many(make_job, 3))
    with CaptureQueriesContext(connection) as captured:
        as_bob.get("/jobs/")
    assert not any('"dispatch_servicejob"."buyer"' in query["sql"] for query in captured)


# --- Empty, and why ---------------------------------------------------------------------------


def test_somebody_without_a_seller_is_told_how_to_begin(client: Client, charlie: Person) -> None:
    client.force_login(charlie)
    assert b"Connect a seller" in client.get("/jobs/").content


def test_a_filter_that_finds_nothing_says_so(as_bob: Client) -> None:
    assert b"No jobs match" in as_bob.get("/jobs/?q=nothing").content


def test_a_first_load_shows_how_far_it_is(as_bob: Client, seller: Seller) -> None:
    SyncJob.objects.create(seller=seller, kind="first_load", done=20, total=45)
    page = as_bob.get("/jobs/").content.decode()
    assert "The first jobs are on their way" in page
    assert 'value="20"' in page
    assert 'max="45"' in page


# --- Order and pages --------------------------------------------------------------------------


@pytest.fixture
def three(seller: Seller, make_job: MakeJob) -> None:
    def titled(job_id: str, title: str, city: str, start: str, created: str, name: str) -> Any:
        return make_job(
            job_id,
            scopeOfWork={"title": title},
            createTime=created,
            serviceJobStatus="NOT_SERVICED",
            serviceLocation={"address": {"city": city, "countryCode": "US", "stateOrRegion": "OH"}},
            appointments=[visit(start, name)],
        )

    put(seller, titled("A", "Beta", "Zoo", "2026-11-25T15:00:00Z", "2026-11-03T00:00:00Z", "Maya"))
    put(seller, titled("B", "Alpha", "Ames", "2026-11-26T15:00:00Z", "2026-11-01T00:00:00Z", "Tom"))
    put(seller, titled("C", "Gamma", "Kent", "2026-11-24T15:00:00Z", "2026-11-02T00:00:00Z", "Ann"))


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("when", "CAB"), ("job", "BAC"), ("technicians", "CAB"), ("place", "BCA"),
        ("created", "BCA"),
        ("status", "ABC"), ("changed", "ABC"), ("nonsense", "CAB"), ("", "CAB"),
    ],
)  # fmt: skip
def test_the_list_is_sorted_by_any_column_both_ways(
    as_bob: Client, three: None, sort: str, expected: str
) -> None:
    assert "".join(ids(as_bob.get(f"/jobs/?view=all&sort={sort}"))) == expected
    backwards = "".join(ids(as_bob.get(f"/jobs/?view=all&sort=-{sort}")))
    assert backwards == expected[::-1]


def test_a_heading_tells_its_direction_and_offers_the_other(as_bob: Client, three: None) -> None:
    page = as_bob.get("/jobs/?view=all&sort=job").content.decode()
    assert (
        'aria-sort="ascending"><a class="table__sort" href="/jobs/?view=all&amp;sort=-job"' in page
    )


def test_pages_hold_fifty_and_lead_to_each_other(
    as_bob: Client, seller: Seller, make_job: MakeJob
) -> None:
    put(seller, *many(make_job, 120))
    seen, url = [], "/jobs/?view=all&q=mounting"
    while url:
        response = as_bob.get(url, **SWAP)
        seen.append(ids(response))
        url = response.context["next_url"]
        assert response.context["count_text"] == "120 jobs"
    assert [len(page) for page in seen] == [50, 50, 20]
    assert len({job for page in seen for job in page}) == 120
    back = as_bob.get(response.context["previous_url"])
    assert ids(back) == seen[1]


def test_unscheduled_jobs_come_last(as_bob: Client, three: None, seller: Seller) -> None:
    put(seller, {"serviceJobId": "NONE", "serviceJobStatus": "HOLD"})
    assert ids(as_bob.get("/jobs/"))[-1] == "NONE"


def test_a_count_has_words() -> None:
    whole = [screen.count_text(Count(number)) for number in (0, 1, 214, 10_000)]
    assert whole == ["0 jobs", "1 job", "214 jobs", "10,000 jobs"]
    cut_off = [screen.count_text(Count(number, more=True)) for number in (1, 10_000)]
    assert cut_off == ["1+ jobs", "10,000+ jobs"]


def test_a_page_has_no_more_rows_than_are_counted(
    as_bob: Client, seller: Seller, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(seller, *many(make_job, 3))
    monkeypatch.setattr("dispatch.selectors.listing.counting.MAX_LOOKUPS", 1)
    monkeypatch.setattr("dispatch.web.jobs.job_list.PAGE_SIZE", 2)
    answer = as_bob.get("/jobs/?view=all&q=tv+mounting")
    assert (len(ids(answer)), answer.context["count_text"]) == (2, "2+ jobs")


def test_a_list_on_one_page_is_counted_by_its_rows(
    as_bob: Client, seller: Seller, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(seller, *many(make_job, 3))
    monkeypatch.setattr("dispatch.selectors.listing.counting.MAX_LOOKUPS", 1)
    answer = as_bob.get("/jobs/?view=all&q=tv+mounting")
    assert (len(ids(answer)), answer.context["count_text"]) == (3, "3 jobs")


# --- Export -----------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["", "?view=all", "?view=all&q=alpha", "?sort=-job", "?q=none"])
def test_the_export_is_exactly_what_the_list_shows(as_bob: Client, three: None, query: str) -> None:
    shown = ids(as_bob.get(f"/jobs/{query}"))
    assert [row["Job id"] for row in exported(as_bob, query)] == shown


def test_the_export_goes_beyond_one_page(as_bob: Client, seller: Seller, make_job: MakeJob) -> None:
    put(seller, *many(make_job, 60))
    assert len(exported(as_bob)) == 60
    assert Activity.objects.get(kind="exported").detail["rows"] == 60


def test_the_export_is_a_file_that_nobody_keeps(as_bob: Client, three: None) -> None:
    response = as_bob.get("/jobs/export.csv")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith('attachment; filename="jobs-20')
    assert "no-store" in response["Cache-Control"]
    b"".join(response)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "sees"), [("alice", True), ("bob", True), ("tom", False)])
def test_buyers_are_exported_to_who_dispatches_only(
    client: Client, three: None, people: dict[str, Person], name: str, sees: bool
) -> None:
    client.force_login(people[name])
    rows = exported(client, "?view=all")
    assert bool(rows and "Buyer" in rows[0]) == sees


def test_an_unreadable_filter_is_not_exported(as_bob: Client, three: None) -> None:
    response = as_bob.get("/jobs/export.csv?scheduled_from=nonsense")
    assert response.status_code == 302
    assert not Activity.objects.exists()


# --- Calendar ---------------------------------------------------------------------------------


def calendar(client: Client, query: str = "") -> list[Any]:
    """The events of the file, as another program reads them."""
    response = client.get(f"/jobs/export.ics{query}")
    assert response.status_code == 200
    return Calendar.from_ical(b"".join(response)).events  # type: ignore[arg-type]


@pytest.mark.parametrize("query", ["", "?view=all", "?view=all&q=alpha", "?sort=-job", "?q=none"])
def test_the_calendar_is_exactly_what_the_list_shows(
    as_bob: Client, three: None, query: str
) -> None:
    shown = [f"http://testserver/jobs/{job}/" for job in ids(as_bob.get(f"/jobs/{query}"))]
    assert [event["url"] for event in calendar(as_bob, query)] == shown


def test_the_calendar_goes_beyond_one_page_and_leaves_out_what_has_no_time(
    as_bob: Client, seller: Seller, make_job: MakeJob
) -> None:
    put(seller, *many(make_job, 60), make_job("NONE"))
    assert len(ids(as_bob.get("/jobs/?sort=-when"))) == 50
    assert len(calendar(as_bob)) == 60
    own = Activity.objects.get(kind="exported")
    assert own.detail == {"what": "appointments", "rows": 60, "buyers": False}


def test_the_calendar_is_a_file_that_nobody_keeps(as_bob: Client, three: None) -> None:
    response = as_bob.get("/jobs/export.ics")
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    assert response["Content-Disposition"].startswith('attachment; filename="jobs-20')
    assert response["Content-Disposition"].endswith('.ics"')
    assert "no-store" in response["Cache-Control"]
    b"".join(response)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "found"), [("alice", 3), ("bob", 3), ("tom", 1), ("charlie", 0)])
def test_everybody_gets_the_calendar_of_what_they_see(
    client: Client, three: None, people: dict[str, Person], name: str, found: int
) -> None:
    client.force_login(people[name])
    assert len(calendar(client, "?view=all")) == found


def test_the_calendar_opens_no_sealed_value(as_bob: Client, three: None) -> None:
    with CaptureQueriesContext(connection) as captured:
        assert len(calendar(as_bob)) == 3
    assert not any('"dispatch_servicejob"."buyer"' in query["sql"] for query in captured)


def test_an_unreadable_filter_makes_no_calendar(as_bob: Client, three: None) -> None:
    assert as_bob.get("/jobs/export.ics?scheduled_from=nonsense").status_code == 302
    assert not Activity.objects.exists()


@pytest.mark.parametrize("asks", [{}, SWAP])
def test_both_files_are_of_what_the_list_shows(as_bob: Client, asks: dict[str, str]) -> None:
    page = as_bob.get("/jobs/?view=all&q=tv", **asks).content.decode()
    for address, label in (("export.csv", "Export"), ("export.ics", "Calendar file")):
        link = page.partition(f'href="/jobs/{address}?view=all&amp;q=tv"')[2]
        assert link.partition("</a>")[0].partition(">")[2] == label


# --- Fresh from Amazon ------------------------------------------------------------------------


@pytest.fixture
def synced(seller: Seller, amazon: Amazon, make_job: MakeJob) -> Seller:
    amazon.scenario(make_job())
    seller.synced_at = timezone.now() - dt.timedelta(hours=1)
    seller.save()
    return seller


def test_refresh_brings_what_has_changed_and_keeps_the_filter(
    as_bob: Client, synced: Seller
) -> None:
    response = as_bob.post("/jobs/refresh/", {"query": "view=all&q=jordan"}, follow=True)
    assert response.redirect_chain == [("/jobs/?view=all&q=jordan", 302)]
    assert ids(response) == ["JOB-0001"]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "status", "status": 403}, "denied access"),
        ({"kind": "status", "status": 429}, "too many requests"),
        ({"kind": "status", "status": 500}, "fault of its own"),
        ({"kind": "drop"}, "could not be reached"),
        ({"kind": "html", "status": 200}, "Northlight US:"),
        ({"kind": "empty", "status": 503}, "fault of its own"),
    ],
)
def test_refresh_says_what_is_wrong_and_the_list_stays(
    as_bob: Client, synced: Seller, amazon: Amazon, impatient: None, fault: Any, words: str,
    make_job: MakeJob,
) -> None:  # fmt: skip
    put(synced, make_job())
    amazon.faults({"operation": "*", "times": None, **fault})
    response = as_bob.post("/jobs/refresh/", follow=True)
    assert words in response.content.decode()
    assert ids(response) == ["JOB-0001"]


def test_refresh_says_that_the_authorisation_is_gone(
    as_bob: Client, synced: Seller, amazon: Amazon
) -> None:
    amazon.control("tokens", {"state": "revoked"})
    response = as_bob.post("/jobs/refresh/", follow=True)
    assert b"no longer accepts the seller" in response.content


def test_a_refresh_under_way_is_not_doubled(as_bob: Client, synced: Seller, amazon: Amazon) -> None:
    SyncJob.objects.create(
        seller=synced, kind="incremental", lease_until=timezone.now() + dt.timedelta(minutes=1)
    )
    assert as_bob.post("/jobs/refresh/").status_code == 302
    assert amazon.calls("getServiceJobs") == []


@pytest.mark.parametrize(
    "query", ["view=all", "page=x&q=%F0%9F%98%80", "//evil.example", "x" * 5000]
)
def test_one_comes_back_to_the_list_and_nowhere_else(as_bob: Client, query: str) -> None:
    response = as_bob.post("/jobs/refresh/", {"query": query})
    assert response["Location"].startswith("/jobs/?")


def test_a_pasted_id_can_be_looked_up_at_amazon(as_bob: Client, synced: Seller) -> None:
    page = as_bob.get("/jobs/?q=JOB-0001").content.decode()
    assert "Look up “JOB-0001” at Amazon" in page
    response = as_bob.post("/jobs/find/", {"q": " JOB-0001 "})
    assert response["Location"] == "/jobs/JOB-0001/"
    assert as_bob.get(response["Location"]).status_code == 200


@pytest.mark.parametrize("typed", ["jordan", "two words 1", "1234", "x" * 101])
def test_what_is_no_id_is_not_offered_for_looking_up(as_bob: Client, typed: str) -> None:
    assert b"at Amazon</button>" not in as_bob.get("/jobs/", {"q": typed}).content


@pytest.mark.parametrize("q", ["JOB-404", "", "..", "\0", "x" * 500])
def test_an_unknown_id_is_said(as_bob: Client, synced: Seller, q: str) -> None:
    response = as_bob.post("/jobs/find/", {"q": q, "query": "q=JOB"}, follow=True)
    assert "Amazon has no such job for your sellers." in response.content.decode()


@pytest.mark.parametrize("role", ["technician", "auditor"])
def test_only_who_dispatches_may_look_up(
    client: Client, charlie: Person, synced: Seller, amazon: Amazon, role: str
) -> None:
    Membership.objects.create(person=charlie, seller=synced, role=role)
    client.force_login(charlie)
    client.post("/jobs/find/", {"q": "JOB-0001"})
    assert amazon.calls("getServiceJobByServiceJobId") == []


def test_amazon_being_away_is_not_an_unknown_job(
    as_bob: Client, synced: Seller, amazon: Amazon, impatient: None
) -> None:
    amazon.faults({"operation": "*", "kind": "status", "status": 500, "times": None})
    response: HttpResponse = as_bob.post("/jobs/find/", {"q": "JOB-0001"}, follow=True)
    assert b"fault of its own" in response.content
    assert b"Amazon has no such job" not in response.content


def test_a_mirror_that_stands_still_is_said_to_be_old(
    at_now: None, as_bob: Client, seller: Seller
) -> None:
    Seller.objects.update(synced_at=NOW - dt.timedelta(minutes=10))
    assert as_bob.get("/jobs/").context["stale"] is True
    Seller.objects.update(synced_at=NOW)
    assert as_bob.get("/jobs/").context["stale"] is False
