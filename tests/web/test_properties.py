"""Whatever an address or a form carries, the answer is a page: never a fault of ours."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.models import Membership, Person, Seller
from dispatch.services.audit import exports
from dispatch.services.mirror import store
from dispatch.web.jobs.action_forms import FORMS
from tests.conftest import NOW, Amazon, MakeJob

pytestmark = pytest.mark.django_db

examples: Callable[[int], settings] = lambda count: settings(  # noqa: E731
    max_examples=count,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
FILTERS = [
    "q", "view", "status", "seller", "technician", "skill", "store", "marketplace",
    "scheduled_from", "scheduled_to", "created_from", "created_to", "updated_from", "updated_to",
    "order", "product_order", "tracking", "asin", "sort", "page", "nonsense", "csrfmiddlewaretoken",
]  # fmt: skip
EDGES = [
    "", " ", "0", "-1", "x" * 500, "😀", "a\0b", "\0", "%", "_", "'", '"', "<script>", "../..", ",",
    ",,,", "1,2,3", "0001-01-01", "9999-12-31", "2026-02-30", "2026-11-24", "10000-01-01",
    "0000-00-00", "today", "late", "week", "PENDING_SCHEDULE", "TV_MOUNTING", "B07BB1RGT5",
    "112-4471932-5510622", "-when", "when", "-", "--when", "+1 614 555 0142", "a b c d e f g h",
    str(2**63), str(2**400), "ß", "İ", "٣", "\u202e", "a.b", "\r\nX: y", "{}", "{{ 7 }}", "..", ".",
]  # fmt: skip
TEXT = st.one_of(
    st.sampled_from(EDGES), st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
)
PAIRS = st.lists(st.tuples(st.sampled_from(FILTERS), TEXT), max_size=6)
TIMES = st.one_of(
    TEXT,
    st.sampled_from(
        [
            "0001-01-01T00:00", "9999-12-31T23:59", "9999-12-31T23:59:59", "2027-03-14T02:30",
            "2026-11-24T09:00", "0001-01-01T00:00+14:00", "9999-12-31T23:59-12:00",
            "2026-11-24T09:00+99:99", "2026-11-24T09:00Z", "2026-11-24T09:00:00.123456+05:00",
        ]
    ),
)  # fmt: skip
BODY = st.fixed_dictionaries(
    {},
    optional={
        "key": st.one_of(st.uuids().map(str), TEXT),
        "start": TIMES,
        "slot": TIMES,
        "appointment": TEXT,
        "technicians": st.lists(TEXT, max_size=3),
        "reason": st.one_of(st.sampled_from(["V1", "R1"]), TEXT),
        "other_reason": TEXT,
        "unknown": TEXT,
    },
)
ASKS = st.sampled_from(
    [
        {},
        {"HTTP_HX_REQUEST": "true"},
        {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "dialog-body"},
        {"HTTP_HX_REQUEST": "true", "HTTP_HX_BOOSTED": "true"},
        {"HTTP_HX_REQUEST": "true", "HTTP_HX_HISTORY_RESTORE_REQUEST": "true"},
    ]
)


@pytest.fixture
def jobs(seller: Seller, make_job: MakeJob) -> None:
    visit = {
        "appointmentId": "APPT-1",
        "appointmentStatus": "ACTIVE",
        "appointmentTime": {"startTime": "2026-11-25T15:00:00Z", "durationInMinutes": 60},
    }
    made = [make_job(), make_job("JOB-0002", serviceJobStatus="NOT_SERVICED", appointments=[visit])]
    store.store(seller, made, fetched_at=NOW)


@pytest.fixture
def desk(jobs: None, alice: Person) -> Client:
    """Alice's; an exception in a view is raised to the test."""
    client = Client()
    client.force_login(alice)
    return client


def read(response: Any) -> bytes:
    return b"".join(response) if response.streaming else response.content


@examples(200)
@given(pairs=PAIRS, asks=ASKS)
def test_no_query_breaks_the_list(
    desk: Client, pairs: list[tuple[str, str]], asks: dict[str, str]
) -> None:
    response = desk.get(f"/jobs/?{urlencode(pairs)}", **asks)
    assert response.status_code in (200, 400)


@examples(200)
@given(pairs=PAIRS)
def test_no_query_breaks_the_export(
    desk: Client, monkeypatch: pytest.MonkeyPatch, pairs: list[tuple[str, str]]
) -> None:
    monkeypatch.setattr(exports, "MOST_AN_HOUR", 10**6)
    response = desk.get(f"/jobs/export.csv?{urlencode(pairs)}")
    assert response.status_code in (200, 302, 400)
    read(response)


@examples(25)
@given(query=st.binary(max_size=60))
def test_no_bytes_break_the_list(desk: Client, query: bytes) -> None:
    response = desk.get("/jobs/", QUERY_STRING=query.decode("latin-1"))
    assert response.status_code in (200, 400)


@pytest.mark.parametrize("slug", [form.kind.slug for form in FORMS.values()])
@examples(40)
@given(body=BODY, asks=ASKS, job=st.sampled_from(["JOB-0001", "JOB-0002"]))
def test_no_body_breaks_an_action(
    desk: Client,
    amazon: Amazon,
    impatient: None,
    slug: str,
    body: dict[str, Any],
    asks: dict[str, str],
    job: str,
) -> None:
    body = {"key": str(uuid.uuid4()), **body}
    response = desk.post(f"/jobs/{job}/{slug}/", body, **asks)
    assert response.status_code in (200, 302, 400, 422)


@examples(200)
@given(body=st.dictionaries(st.sampled_from(["name", "query", "shared", "x"]), TEXT))
def test_no_body_breaks_a_saved_view(desk: Client, body: dict[str, str]) -> None:
    assert desk.post("/jobs/views/", body).status_code == 302


@examples(80)
@given(body=st.dictionaries(st.sampled_from(["name", "time_zone", "theme", "shortcuts"]), TEXT))
def test_no_body_breaks_the_settings(desk: Client, body: dict[str, str]) -> None:
    assert desk.post("/account/settings/", body).status_code in (302, 422)


@examples(100)
@given(theme=TEXT, target=TEXT)
def test_no_body_breaks_the_theme(desk: Client, theme: str, target: str) -> None:
    answer = desk.post("/account/theme/", {"theme": theme, "next": target})
    assert answer.status_code == 302
    assert answer["Location"].startswith(("/", "?")) or "://" not in answer["Location"]


@examples(100)
@given(q=TEXT, query=TEXT)
def test_no_body_breaks_the_look_up(
    desk: Client, amazon: Amazon, impatient: None, q: str, query: str
) -> None:
    answer = desk.post("/jobs/find/", {"q": q, "query": query})
    assert answer.status_code in (302, 400)


@examples(30)
@given(name=TEXT.filter(lambda text: "/" not in text and "0142" not in text), done=TEXT)
def test_no_address_of_a_job_breaks(desk: Client, name: str, done: str) -> None:
    assert desk.get(f"/jobs/{quote(name, safe='')}/").status_code in (200, 301, 302, 404, 405)
    assert desk.get("/jobs/JOB-0001/", {"done": done}).status_code == 200


@examples(25)
@given(
    job_id=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
    | st.sampled_from(["a/b", "/", "//", "a?b", "a#b", "%2F", "..", ".", "a/reschedule"])
)
def test_no_id_of_amazons_breaks_the_list(
    desk: Client, seller: Seller, make_job: MakeJob, job_id: str
) -> None:
    store.store(seller, [make_job(job_id)], fetched_at=NOW)
    assert desk.get("/jobs/?view=all").status_code == 200


@pytest.mark.parametrize("role", ["technician", "auditor"])
@examples(15)
@given(pairs=PAIRS)
def test_no_query_breaks_the_list_of_another_role(
    desk: Client, seller: Seller, alice: Person, role: str, pairs: list[tuple[str, str]]
) -> None:
    Membership.objects.filter(person=alice, seller=seller).update(role=role)
    response = desk.get(f"/jobs/?{urlencode(pairs)}")
    assert response.status_code in (200, 400)
