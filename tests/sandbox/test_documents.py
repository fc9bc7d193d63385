"""Proof of appointment: encrypt, put, attach; and every refusal."""

from __future__ import annotations

import base64
import hashlib
import os
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from dispatch.sandbox.realm import US
from tests.limits import PATIENCE

NOW = "2026-06-01T12:00:00Z"
PLAIN = b"\x89PNG\r\n\x1a\n" + b"a picture of a television on a wall"
JOB = {
    "serviceJobId": "job-1",
    "serviceJobStatus": "NOT_SERVICED",
    "marketplaceId": US,
    "appointments": [
        {
            "appointmentId": "appointment-1",
            "appointmentStatus": "ACTIVE",
            "appointmentTime": {"startTime": "2026-06-01T10:00:00Z", "durationInMinutes": 60},
            "assignedTechnicians": [{"technicianId": "tech-1", "name": "Maya"}],
        }
    ],
}


@pytest.fixture
def api(api: Any) -> Any:
    api.load(now=NOW, jobs=[JOB])
    return api


def md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def sha256(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def encrypt(details: dict[str, str], plain: bytes) -> bytes:
    key, iv = (base64.b64decode(details[name]) for name in ("key", "initializationVector"))
    padder = PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    padded = padder.update(plain) + padder.finalize()
    return encryptor.update(padded) + encryptor.finalize()


def create(api: Any, plain: bytes = PLAIN, **changes: Any) -> dict[str, Any]:
    body = {"contentType": "PNG", "contentLength": len(plain), "contentMD5": md5(plain), **changes}
    answer = api.call("POST", "/documents", body)
    assert answer.status_code == 200, answer.text
    return answer.json()["payload"]


def put(destination: dict[str, Any], data: bytes, **changes: Any) -> requests.Response:
    headers = changes.pop("headers", destination["headers"])
    return requests.put(destination["url"], data=data, headers=headers, timeout=PATIENCE)


def attach(api: Any, destination: dict[str, Any], digest: str | None = None) -> requests.Response:
    document = {
        "uploadDestinationId": destination["uploadDestinationId"],
        "contentSha256": digest or sha256(PLAIN),
    }
    path = "/serviceJobs/job-1/appointments/appointment-1/fulfillment"
    return api.call("PUT", path, {"fulfillmentDocuments": [document]})


def reason(answer: requests.Response) -> str:
    assert answer.status_code == 422
    [error] = answer.json()
    assert error["code"] == "InvalidInput"
    return str(error["message"]).partition("Reason: ")[2]


def test_a_proof_arrives_and_shows_on_the_completed_job(api: Any, schema: Any) -> None:
    destination = create(api)
    assert schema.problems("ServiceDocumentUploadDestination", destination) == []
    details = destination["encryptionDetails"]
    assert len(base64.b64decode(details["key"])) == 32
    assert len(base64.b64decode(details["initializationVector"])) == 16
    assert put(destination, encrypt(details, PLAIN)).status_code == 200
    answer = attach(api, destination)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["x-amzn-RateLimit-Limit"] == "5.0"
    api.call("PUT", "/serviceJobs/job-1/completions")
    job = api.job("job-1")
    assert job["appointments"][0]["poa"]["poaType"] == "POA_RECEIPT"
    assert job["appointments"][0]["poa"]["uploadingTechnician"] == "TECH1"
    assert schema.problems("ServiceJob", job) == []


def test_the_id_holds_what_clients_must_not_mangle(api: Any) -> None:
    found = create(api)["uploadDestinationId"]
    assert all(part in found for part in ("<->", "+", "/", "="))


@pytest.mark.parametrize(
    ("plain", "declared", "sent", "text"),
    [
        (PLAIN, {}, b"not a multiple of sixteen", "decrypt"),
        (PLAIN, {"contentLength": 5}, None, "content length"),
        (PLAIN, {"contentMD5": md5(b"other")}, None, "MD5"),
        (PLAIN, {"contentType": "PDF"}, None, "content type"),
        (PLAIN + b"DISPATCH-MALWARE-TEST", {}, None, "malware"),
    ],
)
def test_what_is_uploaded_is_inspected(
    api: Any, plain: bytes, declared: dict[str, Any], sent: bytes | None, text: str
) -> None:
    destination = create(api, plain, **declared)
    data = sent or encrypt(destination["encryptionDetails"], plain)
    assert put(destination, data).status_code == 200
    assert text in reason(attach(api, destination, sha256(plain)))


def test_another_key_does_not_decrypt(api: Any) -> None:
    destination = create(api)
    stranger = {**destination["encryptionDetails"], "key": base64.b64encode(b"k" * 32).decode()}
    put(destination, encrypt(stranger, PLAIN))
    assert reason(attach(api, destination))


def test_plaintext_is_not_taken_for_ciphertext(api: Any) -> None:
    plain = PLAIN + b" " * (-len(PLAIN) % 16)
    destination = create(api, plain)
    put(destination, plain)
    assert reason(attach(api, destination, sha256(plain)))


def test_the_hash_must_match(api: Any) -> None:
    destination = create(api)
    put(destination, encrypt(destination["encryptionDetails"], PLAIN))
    assert "sanity check" in reason(attach(api, destination, sha256(b"other")))


def test_what_was_never_uploaded_or_heard_of_is_refused(api: Any) -> None:
    destination = create(api)
    assert "not found" in reason(attach(api, destination))
    assert "does not exist" in reason(attach(api, {"uploadDestinationId": "nobody"}))


def test_a_link_works_for_300_seconds(api: Any) -> None:
    early, late = create(api), create(api)
    api.control("settings", {"now": "2026-06-01T12:04:59Z"})
    assert put(early, encrypt(early["encryptionDetails"], PLAIN)).status_code == 200
    api.control("settings", {"now": "2026-06-01T12:05:00Z"})
    refused = put(late, encrypt(late["encryptionDetails"], PLAIN))
    assert refused.status_code == 403
    assert "Request has expired" in refused.text
    assert "parameters are invalid" in reason(attach(api, late))
    assert attach(api, early).status_code == 204


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "image/jpeg"}])
def test_the_signed_content_type_is_demanded(api: Any, headers: dict[str, str]) -> None:
    destination = create(api)
    refused = put(destination, b"x" * 16, headers=headers)
    assert refused.status_code == 403
    assert "SignatureDoesNotMatch" in refused.text


def test_the_signature_covers_the_query(api: Any) -> None:
    destination = create(api)
    longer = {**destination, "url": destination["url"].replace("Expires=300", "Expires=9999")}
    assert put(longer, b"x" * 16).status_code == 403
    bare = {**destination, "url": destination["url"].partition("?")[0]}
    assert put(bare, b"x" * 16).status_code == 403
    unknown = {**destination, "url": destination["url"].replace("/_uploads/", "/_uploads/0")}
    assert put(unknown, b"x" * 16).status_code == 403


def test_only_put_uploads(api: Any) -> None:
    destination = create(api)
    headers = destination["headers"]
    answer = requests.post(destination["url"], data=b"x", headers=headers, timeout=PATIENCE)
    assert answer.status_code == 405


def test_the_longest_file_goes_through(api: Any) -> None:
    plain = PLAIN + os.urandom(5_242_880 - len(PLAIN))
    destination = create(api, plain)
    assert put(destination, encrypt(destination["encryptionDetails"], plain)).status_code == 200
    assert attach(api, destination, sha256(plain)).status_code == 204
    assert put(destination, b"x" * 5_242_912).status_code == 400


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"contentType": None}, 400),
        ({"contentLength": None}, 400),
        ({"contentType": "HEIC"}, 422),
        ({"contentType": "image/png"}, 422),
        ({"contentType": ["PNG"]}, 422),
        ({"contentLength": 0}, 422),
        ({"contentLength": 5_242_881}, 422),
        ({"contentLength": "12"}, 422),
        ({"contentLength": 1.5}, 422),
        ({"contentLength": True}, 422),
        ({"contentMD5": "abc"}, 422),
        ({"contentMD5": 7}, 422),
    ],
)
def test_a_destination_must_be_asked_for_rightly(
    api: Any, changes: dict[str, Any], status: int
) -> None:
    body = {"contentType": "PNG", "contentLength": 9, **changes}
    assert api.call("POST", "/documents", body).status_code == status


PATH = "/serviceJobs/job-1/appointments/appointment-1/fulfillment"


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        ({"estimatedArrivalTime": {"startTime": NOW}}, ["arrival end time is required"]),
        ({"estimatedArrivalTime": {"endTime": NOW}}, ["arrival start time is required"]),
        (
            {"estimatedArrivalTime": {"startTime": NOW, "endTime": "2026-06-01T11:00:00Z"}},
            ["arrival end time should be after"],
        ),
        (
            {"estimatedArrivalTime": {"startTime": NOW, "endTime": "2026-06-01T16:00:00+02:00"}},
            ["not in UTC"],
        ),
        ({"fulfillmentTime": {"startTime": NOW}}, ["end time is required"]),
        (
            {"fulfillmentTime": {"startTime": NOW, "endTime": "2026-06-01T12:00:01Z"}},
            ["end time should not be in future"],
        ),
        (
            {
                "appointmentResources": [{"resourceId": "X"}],
                "estimatedArrivalTime": {"startTime": NOW, "endTime": "soon"},
                "fulfillmentTime": {"endTime": NOW},
                "fulfillmentDocuments": [{"uploadDestinationId": "a"}, {}],
            },
            ["does not exist", "Could not parse", "start time", "document id", "document id"],
        ),
    ],
)
def test_every_problem_is_named_in_a_bare_array(
    api: Any, body: dict[str, Any], texts: list[str]
) -> None:
    answer = api.call("PUT", PATH, body)
    assert answer.status_code == 422
    messages = [one["message"] for one in answer.json()]
    assert len(messages) == len(texts)
    assert all(text in message for text, message in zip(texts, messages, strict=True))
    assert api.control("state")["jobs"][0]["_sandbox"]["fulfillment"] == {}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"fulfillmentTime": {}},
        {"fulfillmentTime": "now"},
        {"fulfillmentDocuments": {"a": 1}},
        {"appointmentResources": ["T1"]},
    ],
)
def test_malformed_fulfilment_is_a_400_and_an_array(api: Any, body: dict[str, Any]) -> None:
    answer = api.call("PUT", PATH, body)
    assert answer.status_code == 400
    assert isinstance(answer.json(), list)


def test_fulfilment_adds_up(api: Any) -> None:
    arrival = {"startTime": NOW, "endTime": "2026-06-01T13:00:00Z"}
    times = {"startTime": "2026-06-01T10:00:00Z", "endTime": NOW}
    assert api.call("PUT", PATH, {"estimatedArrivalTime": arrival}).status_code == 204
    assert api.call("PUT", PATH, {"fulfillmentTime": times}).status_code == 204
    kept = api.control("state")["jobs"][0]["_sandbox"]["fulfillment"]["appointment-1"]
    assert kept == {"estimatedArrivalTime": arrival, "fulfillmentTime": times}


def test_fulfilment_needs_an_open_job_of_ones_own(api: Any) -> None:
    body = {"estimatedArrivalTime": {"startTime": NOW, "endTime": "2026-06-01T13:00:00Z"}}
    api.load(now=NOW, jobs=[{**JOB, "serviceJobStatus": "COMPLETED"}], unauthorizedJobIds=["job-2"])
    assert api.call("PUT", PATH, body).status_code == 422
    answer = api.call("PUT", PATH.replace("job-1", "job-2"), body)
    assert answer.status_code == 403
    assert answer.json()[0]["code"] == "UnauthorizedAction"
