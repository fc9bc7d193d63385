"""A proof goes to Amazon encrypted, and comes out as the same bytes."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import logging
import os
import uuid
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from dispatch.models import Action, Person, Seller, ServiceJob
from dispatch.sandbox.rules.documents import MALWARE, decrypt
from dispatch.sandbox.server import SandboxServer
from dispatch.services.amazon import documents
from dispatch.services.amazon.client import connect
from dispatch.services.mirror import one_job
from dispatch.services.writes.kinds import add_proof
from dispatch.spapi import SellingApiException
from tests.conftest import Amazon, MakeJob
from tests.writing import write

pytestmark = [pytest.mark.django_db, pytest.mark.database]
JPEG = b"\xff\xd8\xff\xe0"
VISIT = "JOB-0001_visit"


@pytest.fixture(autouse=True)
def _demo(settings: Settings, amazon: Amazon) -> None:
    """The sandbox's upload addresses are taken only in a demo."""
    settings.DISPATCH_DEMO = True
    settings.SP_API_ENDPOINT = amazon.url


@pytest.fixture
def job(seller: Seller, amazon: Amazon, make_job: MakeJob) -> ServiceJob:
    start = timezone.now().replace(minute=0, second=0, microsecond=0) - dt.timedelta(hours=2)
    visit = {
        "appointmentId": VISIT,
        "appointmentStatus": "ACTIVE",
        "appointmentTime": {"startTime": start.isoformat(), "durationInMinutes": 60},
    }
    amazon.scenario(make_job(serviceJobStatus="NOT_SERVICED", appointments=[visit]))
    found = one_job.find_job(seller, "JOB-0001")
    assert found is not None
    return found


def prove(tom: Person, job: ServiceJob, *contents: bytes, key: uuid.UUID | None = None) -> Action:
    return write(
        add_proof,
        person=tom,
        job=job,
        key=key or uuid.uuid4(),
        appointment_id=VISIT,
        proofs=[documents.accept(content) for content in contents],
    )


@pytest.fixture
def technician(tom: Person, seller: Seller) -> Person:
    return tom


def test_five_megabytes_arrive_as_the_same_bytes(
    technician: Person, job: ServiceJob, sandbox_server: SandboxServer
) -> None:
    content = JPEG + os.urandom(documents.LARGEST - len(JPEG))
    action = prove(technician, job, content)
    assert action.state == Action.State.ACCEPTED, action.errors
    [kept] = sandbox_server.realm.us.documents.values()
    assert kept.ciphertext != content
    assert decrypt(kept, kept.ciphertext) == content


def test_several_proofs_are_one_write(technician: Person, job: ServiceJob, amazon: Amazon) -> None:
    key = uuid.uuid4()
    prove(technician, job, JPEG + b"one", b"%PDF-two", key=key)
    prove(technician, job, JPEG + b"one", b"%PDF-two", key=key)
    assert len(amazon.calls("setAppointmentFulfillmentData")) == 1
    fulfilled = amazon.job("JOB-0001")["_sandbox"]["fulfillment"][VISIT]
    assert len(fulfilled["fulfillmentDocuments"]) == 2


def test_the_ledger_keeps_digests_and_no_file(technician: Person, job: ServiceJob) -> None:
    content = JPEG + b"signature of Jordan Example"
    action = prove(technician, job, content)
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    assert action.payload["documents"] == [
        {"contentType": "JPEG", "contentLength": len(content), "sha256": digest}
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (JPEG + bytes(documents.LARGEST), "larger than 5 MB"),
        (b"MZ an executable", "JPEG, PNG, GIF, TIFF and PDF"),
        (b"\0\0\0\x18ftypheic", "HEIC"),
    ],
)
def test_what_cannot_be_a_proof_is_refused_before_any_call(content: bytes, words: str) -> None:
    with pytest.raises(documents.NotAProof, match=words):
        documents.accept(content)


@pytest.mark.parametrize(
    ("beginning", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "PNG"), (b"GIF89a", "GIF"), (b"II*\0", "TIFF"), (b"%PDF-1.7", "PDF")
    ],
)  # fmt: skip
def test_the_type_is_read_from_the_bytes(beginning: bytes, kind: str) -> None:
    assert documents.accept(beginning + b"rest").kind == kind


def test_a_destination_that_expired_is_asked_for_again(
    technician: Person, job: ServiceJob, amazon: Amazon
) -> None:
    amazon.faults({"operation": "upload", "kind": "status", "status": 403})
    assert prove(technician, job, JPEG + b"again").state == Action.State.ACCEPTED
    assert len(amazon.calls("createServiceDocumentUploadDestination")) == 2


def test_a_store_that_never_takes_it_leaves_the_appointment_alone(
    technician: Person, job: ServiceJob, amazon: Amazon
) -> None:
    amazon.faults({"operation": "upload", "kind": "drop", "times": None})
    action = prove(technician, job, JPEG + b"lost")
    assert action.state == Action.State.REFUSED
    assert action.errors[0]["message"] == "Amazon's store did not take the file. Try again."
    assert amazon.calls("setAppointmentFulfillmentData") == []


def test_malware_is_refused_in_plain_words(technician: Person, job: ServiceJob) -> None:
    action = prove(technician, job, JPEG + MALWARE)
    assert action.state == Action.State.REFUSED
    assert documents.refusal_in_words(action.errors[0]["message"]) == (
        "Amazon takes the file for malware. Use another one."
    )


REFUSED = {
    "unknown": "does not know this upload",
    "expired": "took too long",
    "not_uploaded": "never arrived",
    "length": "incomplete",
    "too_long": "larger than Amazon takes",
    "decryption": "could not decrypt",
    "md5": "changed on its way",
    "type": "not of the type",
    "malware": "malware",
    "sha256": "fingerprint",
}


@pytest.mark.parametrize(("problem", "words"), REFUSED.items())
def test_each_of_amazons_refusals_has_its_own_sentence(
    problem: str, words: str, seller: Seller, job: ServiceJob, amazon: Amazon, make_job: MakeJob
) -> None:
    document: dict[str, Any] = {"uploadDestinationId": "D1", "uploaded": problem != "not_uploaded"}
    if problem in ("length", "too_long", "decryption", "md5", "type", "malware"):
        document["problem"] = problem
    if problem == "expired":
        document["expires"] = "2020-01-01T00:00:00Z"
    if problem == "sha256":
        document["contentSha256"] = "another"
    source = amazon.job("JOB-0001")
    source.pop("_sandbox")
    amazon.scenario(source, documents=[] if problem == "unknown" else [document])
    with (
        connect(seller, interactive=True) as client,
        pytest.raises(SellingApiException) as refused,
    ):
        client.set_appointment_fulfillment_data(
            "JOB-0001",
            VISIT,
            fulfillmentDocuments=[{"uploadDestinationId": "D1", "contentSha256": "abc"}],
        )
    said = documents.refusal_in_words(refused.value.message)
    assert words in said
    assert [name for name, part in REFUSED.items() if part in said] == [problem]


@pytest.mark.parametrize(
    "url",
    [
        "http://bucket.s3.amazonaws.com/x",
        "https://evil.example/x",
        "https://amazonaws.com.evil.example/x",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
    ],
)
def test_nothing_is_sent_anywhere_but_to_amazon(url: str) -> None:
    with pytest.raises(documents.UploadFailed, match="does not lead to Amazon"):
        documents._require_amazons(url)


def test_amazons_own_store_is_taken() -> None:
    documents._require_amazons("https://tortuga-prod.s3.us-west-2.amazonaws.com/x?y")


def test_the_hash_can_be_of_the_ciphertext(
    technician: Person,
    job: ServiceJob,
    settings: Settings,
    sandbox_server: SandboxServer,
    amazon: Amazon,
) -> None:
    settings.DOCUMENT_HASH_OF = "ciphertext"
    with connect(job.seller, interactive=True) as client:
        sent = documents.upload(client, documents.accept(JPEG + b"x"))
    [kept] = sandbox_server.realm.us.documents.values()
    digest = base64.b64encode(hashlib.sha256(kept.ciphertext).digest()).decode()
    assert sent["contentSha256"] == digest


def test_no_address_and_no_key_reaches_a_log(
    technician: Person, job: ServiceJob, amazon: Amazon, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="dispatch")
    amazon.faults({"operation": "upload", "kind": "drop", "times": 2})
    action = prove(technician, job, JPEG + b"y")
    assert action.state == Action.State.ACCEPTED
    assert "X-Amz-Signature" not in caplog.text
    assert "Atza|" not in caplog.text
