"""What every answer carries, page by page, and that hostile job data is only text everywhere."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client
from icalendar import Calendar

from dispatch.models import AccessReview, Activity, Person, Seller
from dispatch.services.audit import exports
from dispatch.services.mirror import store
from tests.conftest import NOW, Amazon, MakeJob
from tests.web.addresses import Address, addresses

pytestmark = pytest.mark.django_db

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Header, and what its value says among other things; `docs/data-protection.md` lists them."""
FORBIDDEN_SOURCES = ("'unsafe-inline'", "'unsafe-eval'", "*", "http:", "data: 'self'")

SCRIPT = "<script>window.owned=1</script>"
HOSTILE = [
    SCRIPT,
    '"><img src=x onerror=window.owned=1>',
    "'-window.owned-'",
    "{{ 7|add:7 }}{% load x %}",
    "\u202eevil\u202c",
    '=HYPERLINK("http://evil.example")',
    "x" * 10_000,
    "</title></textarea></style>" + SCRIPT,
    "javascript:window.owned=1",
    "a, b; c\\\r\nEND:VEVENT\r\nBEGIN:VEVENT\rSUMMARY:owned\0\u2028",
]


class Elements(HTMLParser):
    """The elements of a page with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def elements(html: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Elements()
    parser.feed(html)
    return parser.found


@pytest.fixture
def hostile(seller: Seller, make_job: MakeJob) -> list[str]:
    """A job for each hostile text, which stands in every field that takes text."""
    made = []
    for number, text in enumerate(HOSTILE):
        place = {"name": text, "addressLine1": text, "city": text, "phone": text,
                 "stateOrRegion": text, "postalCode": text}  # fmt: skip
        visit = {
            "appointmentId": "APPT-1",
            "appointmentStatus": "ACTIVE",
            "appointmentTime": {"startTime": "2026-11-25T15:00:00Z", "durationInMinutes": 60},
            "assignedTechnicians": [{"technicianId": text, "name": text}],
        }
        made.append(
            make_job(
                f"JOB-{number:04}",
                serviceJobStatus="NOT_SERVICED",
                storeId=text,
                scopeOfWork={"title": text, "requiredSkills": [text], "asin": "B07BB1RGT5"},
                buyer={"name": text, "phone": text},
                serviceLocation={"serviceLocationType": text, "address": place},
                associatedItems=[{"title": text, "brandName": text, "itemStatus": text}],
                appointments=[visit],
            )
        )
    store.store(seller, made, fetched_at=NOW)
    return [job["serviceJobId"] for job in made]


@pytest.fixture
def desk(client: Client, alice: Person, seller: Seller) -> Client:
    client.force_login(alice)
    return client


PAGES = (
    "/jobs/", "/jobs/?view=all", "/jobs/JOB-0001/", "/jobs/JOB-0001/cancel/", "/jobs/none/",
    "/sellers/", "/people/", "/account/settings/", "/nowhere/", "/jobs/export.csv",
    "/jobs/export.ics", "/jobs/JOB-0001/visit.ics", "/healthz",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_is_guarded(desk: Client, hostile: list[str], path: str) -> None:
    check(path, desk.get(path))


def check(path: str, answer: Any) -> None:
    for name, part in HEADERS.items():
        said = answer.headers.get(name, "")
        # The pages of consent lead to Amazon: what leads there is told to nobody.
        strict = name == "Referrer-Policy" and said == "no-referrer"
        assert part in said or strict, f"{path} lacks {name}: {part}"


def test_every_page_of_the_configuration_is_guarded_and_inert(
    desk: Client, hostile: list[str], seller: Seller, amazon: Amazon
) -> None:
    """Whatever there is, with hostile jobs, people, sellers and technicians in it."""
    Seller.objects.update(name=HOSTILE[1][:100])
    seller.technicians.update(name=HOSTILE[0])
    Person.objects.filter(pk=seller.owner_id).update(name=HOSTILE[1])
    looked_at = 0
    for address, answer in answers(desk, seller, hostile[0]):
        check(address.route, answer)
        if answer.status_code == 200 and "html" in answer.headers.get("Content-Type", ""):
            html = answer.content.decode()
            looked_at += 1
            assert SCRIPT not in html, address.route
            assert not [t for t, a in elements(html) if any(n.startswith("on") for n in a)]
    assert looked_at > 25


def answers(desk: Client, seller: Seller, job_id: str) -> Iterator[tuple[Address, Any]]:
    """Every address that can be read, and what the owner of the seller reads there."""
    review = AccessReview.objects.create(seller=seller, reviewer=seller.owner)
    known = {
        "seller_id": seller.pk,
        "service_job_id": job_id,
        "membership_id": seller.memberships.all()[0].pk,
        "technician_id": seller.technicians.all()[0].pk,
        "reason_id": seller.reason_codes.all()[0].pk,
        "review_id": review.pk,
    }
    for address in addresses():
        values = {name: known.get(name, 1) for name, _ in address.parts}
        strange = any(kind == "uuid" and name not in known for name, kind in address.parts)
        if address.name != "account_logout" and not strange:
            yield address, desk.get(address.path(**values))


@pytest.mark.parametrize("path", ["/account/login/", "/account/password/reset/"])
def test_what_strangers_see_is_guarded_too(client: Client, db: None, path: str) -> None:
    check(path, client.get(path))


def test_the_policy_lets_nothing_inline_run(desk: Client) -> None:
    policy = desk.get("/jobs/").headers["Content-Security-Policy"]
    sources = {part.split()[0]: part.split()[1:] for part in policy.split(";") if part.strip()}
    assert sources["default-src"] == ["'none'"]
    for directive in ("script-src", "style-src", "connect-src", "form-action"):
        assert sources[directive] == ["'self'"], directive
    assert sources["frame-ancestors"] == sources["base-uri"] == ["'none'"]


@pytest.mark.parametrize(
    "path", ["/jobs/?view=all", "/jobs/{}/", "/jobs/{}/cancel/", "/jobs/{}/reschedule/"]
)
def test_hostile_jobs_are_text(desk: Client, hostile: list[str], path: str) -> None:
    for job_id in hostile:
        html = desk.get(path.format(job_id)).content.decode()
        for tag, attributes in elements(html):
            assert not [name for name in attributes if name.startswith("on")], (job_id, tag)
            assert attributes.get("src") != "x", job_id
            for name in ("href", "action", "src", "hx-get", "hx-post"):
                assert not (attributes.get(name) or "").startswith("javascript:"), job_id
        assert SCRIPT not in html, "it stands there as an element"
        if job_id == "JOB-0003":
            assert "{{ 7|add:7 }}" in html, "it was taken for a template"
        if "{}" not in path:
            break


def test_hostile_jobs_are_text_in_a_spreadsheet(desk: Client, hostile: list[str]) -> None:
    answer: Any = desk.get("/jobs/export.csv?view=all")
    rows = list(csv.reader(io.StringIO(b"".join(answer).decode())))
    assert len(rows) == len(HOSTILE) + 1
    for row in rows[1:]:
        for cell in row:
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")), cell[:20]


@pytest.mark.parametrize("path", ["/jobs/export.ics?view=all", "/jobs/{}/visit.ics"])
def test_hostile_jobs_are_text_in_a_calendar(desk: Client, hostile: list[str], path: str) -> None:
    """As programs read it: an event for each job, each of one line for each thing it says."""
    addresses = [path.format(job_id) for job_id in hostile] if "{}" in path else [path]
    for address in addresses:
        answer: Any = desk.get(address)
        text = b"".join(answer).decode()
        count = len(hostile) // len(addresses)
        lines = text.split("\r\n")
        assert max(len(line.encode()) for line in lines) <= 75
        assert all(line.isprintable() for line in lines)
        events = Calendar.from_ical(text).events
        assert len(events) == lines.count("BEGIN:VEVENT") == count
        for name in ("SUMMARY:", "DESCRIPTION:", "LOCATION:", "URL:http://testserver/jobs/"):
            assert len([line for line in lines if line.startswith(name)]) == count, name
        assert not [event for event in events if event.subcomponents or "attach" in event]


FILES = {"jobs_export", "jobs_calendar", "job_visit", "activity_export", "review_export"}


def handed_out(desk: Client, seller: Seller) -> set[str]:
    """The names of the addresses that answer with a file, each read to its end."""
    found = set()
    for address, answer in answers(desk, seller, "JOB-0000"):
        if "attachment" in answer.headers.get("Content-Disposition", ""):
            found.add(address.name)
            b"".join(answer)
    return found


def test_exports_are_counted(
    at_now: None, desk: Client, hostile: list[str], seller: Seller, amazon: Amazon, bob: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """All of them together, and each person's apart."""
    monkeypatch.setattr(exports, "MOST_AN_HOUR", len(FILES))
    assert handed_out(desk, seller) == FILES
    recorded = Activity.objects.filter(kind="exported").count()
    assert recorded >= len(FILES)
    assert handed_out(desk, seller) == set()
    answer = desk.get("/jobs/export.csv")
    assert answer.status_code == 429
    assert b"Too many at once" in answer.content
    assert Activity.objects.filter(kind="exported").count() == recorded, "of what nobody got"
    desk.force_login(bob)
    assert desk.get("/jobs/export.csv").status_code == 200


@pytest.mark.parametrize("name", sorted(FILES))
def test_each_export_is_counted(
    at_now: None, desk: Client, hostile: list[str], seller: Seller, name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(exports, "MOST_AN_HOUR", 2)
    review = AccessReview.objects.create(seller=seller, reviewer=seller.owner)
    address = next(one for one in addresses() if one.name == name)
    path = address.path(review_id=review.pk, service_job_id=hostile[0])
    assert [desk.get(path).status_code for _ in range(3)] == [200, 200, 429]


def test_a_host_that_is_not_ours_is_refused(desk: Client) -> None:
    assert desk.get("/jobs/", headers={"host": "evil.example"}).status_code == 400


def test_a_body_that_is_too_large_is_refused(desk: Client, seller: Seller) -> None:
    body = {"name": "x" * 1_100_000}
    answer = desk.post("/account/settings/", "name=" + body["name"],
                       content_type="application/x-www-form-urlencoded")  # fmt: skip
    assert answer.status_code in (400, 413)
