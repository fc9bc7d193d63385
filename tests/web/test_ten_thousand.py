"""Ten thousand requests drawn by lot: any address, method, role, query and body.

Whatever comes in, the answer is one of ours: no fault, no stack trace, no page without a bound.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.models import Membership, Person, Seller
from dispatch.services.mirror import store
from tests.conftest import NOW, Amazon, MakeJob
from tests.web.addresses import Address, addresses

pytestmark = pytest.mark.django_db

SHARDS = 8
REQUESTS = 10_000
MOST_QUERIES = 60
"""An answer that needs more asks once for every row of something."""
MOST_ROWS = 60
"""Jobs on one page: fifty, and what a page says besides."""
OURS = {200, 201, 204, 302, 303, 304, 400, 401, 403, 404, 405, 409, 410, 413, 422, 429}
ROLES = ("anonymous", "charlie", "tom", "bob", "audit", "alice")

EDGES = [
    "", " ", "0", "-1", "x" * 2000, "😀", "a\0b", "%00", "%", "'", '"', "<script>", "../..", ",,,",
    "0001-01-01", "9999-12-31", "2026-02-30", "10000-01-01", "today", "late", "week", "all",
    "PENDING_SCHEDULE", "TV_MOUNTING", "112-4471932-5510622", "-when", "+1 614 555 0143",
    str(2**31), str(2**63), "9" * 400, "ß", "İ", "٣", "\u202e", "\r\nX: y", "{{ 7 }}", "..", "true",
    "owner", "dispatcher", "technician", "auditor", "cancel", "up", "ATVPDKIKX0DER", "UTC",
    "//evil.example", "https://evil.example/", "bob@dispatch.example",
]  # fmt: skip
TEXT = st.one_of(
    st.sampled_from(EDGES), st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
)
NAMES = [
    "q", "view", "status", "seller", "technician", "skill", "store", "marketplace", "since",
    "scheduled_from", "scheduled_to", "created_from", "created_to", "updated_from", "updated_to",
    "order", "product_order", "tracking", "asin", "sort", "page", "next", "done", "kind", "person",
    "from", "to", "subject", "state", "spapi_oauth_code", "selling_partner_id", "amazon_state",
    "amazon_callback_uri", "key", "start", "slot", "appointment", "technicians", "reason",
    "other_reason", "name", "query", "shared", "theme", "time_zone", "shortcuts", "email", "role",
    "resources", "skills", "colour", "password", "password1", "password2", "oldpassword", "login",
    "code", "action", "marketplace_id", "client_id", "client_secret", "refresh_token", "sync_since",
    "description", "direction", "switched_on", "unknown",
]  # fmt: skip
PAIRS = st.lists(st.tuples(st.sampled_from(NAMES), TEXT), max_size=6)
ASKS = st.sampled_from(
    [
        {},
        {},
        {"HTTP_HX_REQUEST": "true"},
        {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "dialog-body"},
        {"HTTP_HX_REQUEST": "true", "HTTP_HX_BOOSTED": "true"},
        {"HTTP_IF_NONE_MATCH": '"x", *'},
        {"HTTP_ACCEPT_LANGUAGE": "xx-😀"},
        {"CONTENT_TYPE": "application/json"},
        {"CONTENT_TYPE": "multipart/form-data; boundary=none"},
    ]
)
METHODS = st.sampled_from(["get", "get", "get", "post", "post", "head", "put", "delete", "options"])


@pytest.fixture
def crowd(
    people: dict[str, Person], seller: Seller, make_job: MakeJob, amazon: Amazon, impatient: None
) -> dict[str, Client]:
    """A client for each role, and more jobs than a page shows."""
    audit = Person.objects.create_user("audit@dispatch.example", name="Audit")
    Membership.objects.create(person=audit, seller=seller, role="auditor")
    visit = {
        "appointmentId": "APPT-1",
        "appointmentStatus": "ACTIVE",
        "appointmentTime": {"startTime": "2026-11-25T15:00:00Z", "durationInMinutes": 60},
        "assignedTechnicians": [{"technicianId": "TECH-TOM", "name": "Tom"}],
    }
    made = [make_job(f"JOB-{n:04}", appointments=[visit] * (n % 2)) for n in range(120)]
    store.store(seller, made, fetched_at=NOW)
    clients = {role: Client() for role in ROLES}
    for role, person in {**people, "audit": audit}.items():
        if role in clients:
            clients[role].force_login(person)
    return clients


@pytest.mark.parametrize("shard", range(SHARDS))
def test_no_request_is_too_much(crowd: dict[str, Client], seller: Seller, shard: int) -> None:
    known = [address for address in addresses() if address.name != "metrics"]
    rows = {
        "view_id": [1], "membership_id": list(Membership.objects.values_list("pk", flat=True)),
        "technician_id": [t.pk for t in seller.technicians.all()], "seller_id": [seller.pk],
        "reason_id": [r.pk for r in seller.reason_codes.all()], "kind": ["cancel", "reschedule"],
        "service_job_id": ["JOB-0001", "JOB-0002"],
    }  # fmt: skip

    @settings(
        max_examples=REQUESTS // SHARDS,
        deadline=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        address=st.sampled_from(known),
        role=st.sampled_from(ROLES),
        method=METHODS,
        query=PAIRS,
        body=PAIRS,
        asks=ASKS,
        data=st.data(),
    )
    def one(
        address: Address,
        role: str,
        method: str,
        query: list[tuple[str, str]],
        body: list[tuple[str, str]],
        asks: dict[str, str],
        data: st.DataObject,
    ) -> None:
        path = address.path(
            **{name: data.draw(part(kind, rows.get(name, []))) for name, kind in address.parts}
        )
        ask(crowd[role], method, f"{path}?{urlencode(query)}", urlencode(body), asks)

    one()


def part(converter: str, known: list[Any]) -> st.SearchStrategy[str]:
    """A part of an address: one that is there, or anything its converter takes."""
    made = {
        "int": st.integers(0, 10**30).map(str),
        "uuid": st.uuids().map(str),
    }.get(converter, TEXT.map(lambda text: quote(text, safe="") or "x"))
    return st.one_of(st.sampled_from([str(one) for one in known]), made) if known else made


def ask(client: Client, method: str, path: str, body: str, asks: dict[str, str]) -> None:
    """One request, whose doings are undone: the next meets the same world."""
    cookies = client.cookies.copy()
    asks = {"CONTENT_TYPE": "application/x-www-form-urlencoded", **asks}
    kind = asks.pop("CONTENT_TYPE")
    before = transaction.savepoint()
    try:
        with CaptureQueriesContext(connection) as queries:
            answer: Any = client.generic(method.upper(), path, body, content_type=kind, **asks)
            content = b"".join(answer) if answer.streaming else answer.content
    finally:
        transaction.savepoint_rollback(before)
        client.cookies = cookies
    assert answer.status_code in OURS, answer.status_code
    assert b"Traceback" not in content
    assert len(queries) <= MOST_QUERIES, [query["sql"][:100] for query in queries]
    if not answer.streaming:
        assert content.count(b'href="/jobs/JOB-') <= 2 * MOST_ROWS
