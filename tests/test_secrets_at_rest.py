"""What lies on the disk after a day's work gives nothing away."""

from __future__ import annotations

import base64
import logging
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from dispatch.models import Action, Person, Seller, ServiceJob, SyncJob
from dispatch.services import appointments, fulfilment, queue, slots, sync
from dispatch.services.documents import Document
from tests.conftest import Amazon, MakeJob, run_due

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

SECRETS = ("Atzr|sandbox", "sandbox-secret", "Atza|", "amzn1.application-oa2-client.sandbox")
BUYER = (
    "Jordan Example",
    "Jordan",
    "+1 614 555 0142",
    "6145550142",
    "5550142",
    "120 Sample Street",
)


def forms(text: str) -> Iterator[bytes]:
    """A text as it may stand in a file: plain, and in base64 at each of the three offsets."""
    yield text.encode()
    yield text.casefold().encode()
    yield text.encode("utf-16-le")
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + text.encode())
        yield encoded[4 if offset else 0 : -4]


def on_disk() -> dict[str, bytes]:
    """The files of the database and of the queue, their journals with them."""
    names = (Path(connection.settings_dict["NAME"]), Path(settings.QUEUE[1]))
    files = [file for name in names for file in (name, *name.parent.glob(f"{name.name}-*"))]
    return {file.name: file.read_bytes() for file in files if file.exists()}


def found(raw: bytes) -> list[str]:
    return [
        text
        for text in (*SECRETS, *BUYER)
        if any(len(form) >= 5 and form in raw for form in forms(text))
    ]


@pytest.fixture
def a_days_work(
    seller: Seller, bob: Person, amazon: Amazon, make_job: MakeJob, client: Client, impatient: None,
    caplog: pytest.LogCaptureFixture, settings: Any,
) -> None:  # fmt: skip
    """Sync, an appointment, an upload, a refusal, a lost answer, a revoked token, an export."""
    caplog.set_level(logging.DEBUG)
    settings.DISPATCH_DEMO, settings.SP_API_ENDPOINT = True, amazon.url
    now = timezone.now().isoformat()
    amazon.scenario(make_job("JOB-1", createTime=now), make_job("JOB-2", createTime=now))
    sync.start(seller)
    run_due()
    job = ServiceJob.objects.select_related("seller").get(service_job_id="JOB-1")
    start = slots.for_job(job, since=timezone.now())[3].start
    for _ in range(2):
        appointments.add(person=bob, job=job, key=uuid.uuid4(), start=start)
    job = ServiceJob.objects.select_related("seller").get(service_job_id="JOB-1")
    photo = Document(b"\xff\xd8\xff\xe0 " + BUYER[0].encode(), "JPG")
    fulfilment.add_proofs(
        person=bob, job=job, key=uuid.uuid4(), appointment_id=job.appointment_id, proofs=[photo]
    )
    amazon.faults({"operation": "*", "kind": "drop", "times": 2})
    other = ServiceJob.objects.select_related("seller").get(service_job_id="JOB-2")
    appointments.add(person=bob, job=other, key=uuid.uuid4(), start=start)
    amazon.faults()
    client.force_login(bob)
    for address in ("/jobs/?q=jordan+example", "/jobs/JOB-1/", "/jobs/JOB-1/reschedule/"):
        assert client.get(address).status_code == 200
    assert b"Jordan" in b"".join(client.get("/jobs/export.csv"))  # type: ignore[arg-type]
    amazon.control("tokens", {"state": "revoked", "expireAccessTokens": True})
    sync.refresh_now(seller)
    SyncJob.objects.update(next_run_at=timezone.now())
    assert queue.tick() == len(SyncJob.Kind)


def test_the_day_was_a_full_one(a_days_work: None) -> None:
    states = set(Action.objects.values_list("state", flat=True))
    assert {"accepted", "refused", "unknown"} <= states
    assert Action.objects.get(kind="add_proof").state == Action.State.ACCEPTED
    assert SyncJob.objects.exclude(last_error="").exists()
    assert Seller.objects.get().state == Seller.State.REVOKED


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite's files")
def test_the_files_hold_no_secret_and_no_buyer(a_days_work: None) -> None:
    files = on_disk()
    assert len(files) >= 2, "the queue is a file too"
    assert any(b"JOB-1" in raw for raw in files.values())
    assert {name: found(raw) for name, raw in files.items() if found(raw)} == {}


def test_no_column_holds_a_secret_or_a_buyer(a_days_work: None) -> None:
    for table in connection.introspection.table_names():
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT * FROM "{table}"')
            assert found(repr(cursor.fetchall()).encode()) == [], table


def test_no_log_line_holds_a_secret_or_a_buyer(
    a_days_work: None, caplog: pytest.LogCaptureFixture
) -> None:
    ours = [
        record for record in caplog.get_records("setup") if not record.name.startswith("django.db")
    ]
    assert ours
    assert found("\n".join(record.getMessage() for record in ours).encode()) == []


def test_the_search_would_find_what_is_there() -> None:
    for text in (*SECRETS, *BUYER):
        assert text in found(b"xx" + text.encode() + b"yy")
        if len(text) > 8:
            assert text in found(base64.b64encode(b"some " + text.encode() + b" more"))


def test_the_tests_have_keys_of_their_own() -> None:
    local = Path(settings.VAR_DIR) / "local.env"
    key = base64.b64encode(settings.FIELD_KEYS[0]).decode()
    assert not local.exists() or key not in local.read_text()
