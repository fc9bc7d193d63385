"""Checks, encrypts and uploads proofs of appointment, ready to be put on an appointment.

Source: operation ``createServiceDocumentUploadDestination`` and definition
``ServiceDocumentUploadDestination`` of Amazon's model; Amazon's guide for encrypted uploads.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from pydantic import ValidationError

from dispatch.services.amazon.definition import Definition
from dispatch.spapi import SellingApiException, Services

LARGEST = 5_242_880
"""Bytes; Amazon's own limit for ``contentLength``."""
TRIES = 3
TIMEOUT = (5, 60)
UPLOAD_HOSTS = ".amazonaws.com"

_BEGINNINGS = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"%PDF-": "PDF",
}
_MIME = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "GIF": "image/gif",
    "TIFF": "image/tiff",
    "PDF": "application/pdf",
}


class NotAProof(ValueError):
    """The file cannot be a proof; the text says why. Nothing was sent."""


class UploadFailed(SellingApiException):
    """The file did not reach Amazon's store; nothing was put on the appointment."""


@dataclass(frozen=True, slots=True, repr=False)
class Document:
    """A file that Amazon takes: its bytes and Amazon's name of its type."""

    content: bytes
    kind: str

    @property
    def sha256(self) -> str:
        """Return the digest of the file in base64, as Amazon wants digests."""
        return _b64(hashlib.sha256(self.content).digest())


def accept(content: bytes) -> Document:
    """Check a file's size and type by its bytes; raises `NotAProof` with a plain sentence."""
    if not content:
        raise NotAProof(gettext("The file is empty."))
    if len(content) > LARGEST:
        raise NotAProof(gettext("The file is larger than 5 MB. Take a smaller picture."))
    for beginning, kind in _BEGINNINGS.items():
        if content.startswith(beginning):
            return Document(content, kind)
    if content[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1"):
        raise NotAProof(gettext("Amazon takes no HEIC pictures. Save it as JPEG first."))
    raise NotAProof(gettext("Amazon takes only JPEG, PNG, GIF, TIFF and PDF files."))


def upload(client: Services, document: Document) -> dict[str, str]:
    """Upload a document; return Amazon's ``FulfillmentDocument``.

    A destination that expired meanwhile is asked for again. Raises `UploadFailed`,
    `SellingApiException`.
    """
    for _attempt in range(TRIES):
        destination = _destination(client, document)
        ciphertext = _encrypt(document.content, destination.encryption_details)
        if _put(destination, ciphertext, document.kind):
            hashed = ciphertext if settings.DOCUMENT_HASH_OF == "ciphertext" else document.content
            return {
                "uploadDestinationId": destination.upload_destination_id,
                "contentSha256": _b64(hashlib.sha256(hashed).digest()),
            }
    raise UploadFailed(gettext("Amazon's store did not take the file. Try again."))


class _Encryption(Definition):
    initialization_vector: str
    key: str


class _Destination(Definition):
    upload_destination_id: str
    url: str
    encryption_details: _Encryption
    headers: dict[str, str] | None = None


def _destination(client: Services, document: Document) -> _Destination:
    # The key comes with the answer, so these can only describe the plaintext.
    md5 = hashlib.md5(document.content, usedforsecurity=False).digest()
    response = client.create_service_document_upload_destination(
        contentType=document.kind, contentLength=len(document.content), contentMD5=_b64(md5)
    )
    try:
        destination = _Destination.model_validate(response.payload)
    except ValidationError:
        raise UploadFailed(gettext("Amazon's upload address cannot be read. Try again.")) from None
    _require_amazons(destination.url)
    return destination


def _require_amazons(url: str) -> None:
    """Refuse a presigned address that leads neither to Amazon's store nor to the sandbox."""
    parts = urlsplit(url)
    sandbox = urlsplit(settings.SP_API_ENDPOINT)
    if settings.DISPATCH_DEMO and parts.netloc == sandbox.netloc and parts.scheme == "http":
        return
    if parts.scheme != "https" or not (parts.hostname or "").endswith(UPLOAD_HOSTS):
        raise UploadFailed(gettext("The upload address does not lead to Amazon. Nothing was sent."))


def _encrypt(content: bytes, details: _Encryption) -> bytes:
    """Encrypt by AES-256-CBC with PKCS#7 padding, with a destination's key and vector."""
    try:
        key = base64.b64decode(details.key, validate=True)
        vector = base64.b64decode(details.initialization_vector, validate=True)
        encryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
    except ValueError:
        raise UploadFailed(gettext("Amazon's upload key cannot be read. Try again.")) from None
    padder = PKCS7(128).padder()
    padded = padder.update(content) + padder.finalize()
    return encryptor.update(padded) + encryptor.finalize()


def _put(destination: _Destination, ciphertext: bytes, kind: str) -> bool:
    """Send the bytes; return False when another try with a new address may help."""
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.put(
                destination.url,
                data=ciphertext,
                headers=_headers(destination, kind),
                timeout=TIMEOUT,
                allow_redirects=False,
            )
    except requests.RequestException:
        # Its text holds the signed address, which must not reach a log.
        return False
    return answer.status_code == 200


def _headers(destination: _Destination, kind: str) -> dict[str, Any]:
    """Return the headers that were signed: those of the answer, and the type if it is signed."""
    headers: dict[str, Any] = dict(destination.headers or {})
    signed = parse_qs(urlsplit(destination.url).query).get("X-Amz-SignedHeaders", [""])[0]
    given = {name.lower() for name in headers}
    if "content-type" in signed.split(";") and "content-type" not in given:
        headers["Content-Type"] = _MIME[kind]
    return {"User-Agent": None, "Accept": None, "Accept-Encoding": None, **headers}


def refusal_in_words(message: str) -> str:
    """Say Amazon's refusal of a proof in plain words, or in its own where we do not know it.

    Only for explaining: nothing is decided by these texts, which Amazon may change.
    """
    text = message.casefold()
    return next((str(ours) for theirs, ours in _REFUSALS if theirs in text), message)


_REFUSALS = (
    ("id does not exist", _("Amazon does not know this upload. Add the proof again.")),
    ("parameters are invalid", _("The upload took too long and expired. Add the proof again.")),
    ("not found or exist", _("The file never arrived at Amazon. Add the proof again.")),
    ("content length", _("The file arrived incomplete. Add the proof again.")),
    ("maximum allowed length", _("The file is larger than Amazon takes. Send a smaller one.")),
    ("decrypt", _("Amazon could not decrypt the file. Add the proof again.")),
    ("md5", _("The file was changed on its way. Add the proof again.")),
    ("content type", _("The file is not of the type it says. Save it as JPEG or PDF.")),
    ("malware", _("Amazon takes the file for malware. Use another one.")),
    ("sanity check", _("The file's fingerprint does not fit. Add the proof again.")),
)


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
