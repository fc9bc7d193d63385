"""Takes proofs of appointment: upload destinations, uploads, and Amazon's inspection."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import uuid
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from dispatch.sandbox.realm import Realm
from dispatch.sandbox.replies import Incoming, JsonDict, Reply, as_json, invalid, missing
from dispatch.sandbox.rules.call import Call, absent
from dispatch.sandbox.world import Document

#: Plaintext that holds these bytes is taken for malware.
MALWARE = b"DISPATCH-MALWARE-TEST"
MAX_LENGTH = 5_242_880
_MIME = {
    "TIFF": "image/tiff",
    "JPG": "image/jpg",
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "GIF": "image/gif",
    "PDF": "application/pdf",
}
#: How a file of each type begins.
_MAGIC = {
    "TIFF": (b"II*\0", b"MM\0*"),
    "JPG": (b"\xff\xd8\xff",),
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "JPEG": (b"\xff\xd8\xff",),
    "GIF": (b"GIF87a", b"GIF89a"),
    "PDF": (b"%PDF-",),
}
_MD5 = re.compile(r"[A-Za-z0-9\\+/]{22}={2}")
_URL_SECONDS = 300
_KEPT = timedelta(days=30)
_SIGNING_KEY = b"dispatch sandbox upload signing"
_REASONS = {
    "unknown": "Input document id does not exist. Please check the input",
    "expired": "Input document parameters are invalid. Please check the input.",
    "not_uploaded": "Document encrypted not found or exist. Please review document uploaded",
    "length": "Failed to retrieve document content length. Please review document uploaded",
    "too_long": "Document exceeds the maximum allowed length. Please review document uploaded",
    "decryption": "Failed to decrypt the document. Please review document uploaded",
    "md5": "Document failed to meet MD5 check. Please review document uploaded",
    "type": "Document content type is not supported. Please review document uploaded",
    "malware": "Document failed to meet malware check. Please review document uploaded",
    "sha256": "Document failed to meet sanity check. "
    "Could not get a Sha256 Message Digest instance. Please review document uploaded",
}


def create(call: Call) -> Reply:
    """Answer with a destination: an AES key of its own, and a link that works for five minutes."""
    content_type, length, md5 = _check(call.body)
    token = uuid.uuid4().hex
    secret = base64.b64encode(os.urandom(18)).decode()
    name = f"amzn1.tortuga.3.{uuid.uuid4()}.T{token[:12].upper()}"
    document = Document(
        id=f"{name}<->amzn1.tortuga.1.token.{secret}+/==",
        token=token,
        content_type=content_type,
        length=length,
        md5=md5,
        key=base64.b64encode(os.urandom(32)).decode(),
        iv=base64.b64encode(os.urandom(16)).decode(),
        expires=call.now + timedelta(seconds=_URL_SECONDS),
    )
    call.world.documents[document.id] = document
    call.realm.dirty = True
    return as_json({"payload": _destination(document, call)})


def _check(body: JsonDict) -> tuple[str, int, str | None]:
    gone = [name for name in ("contentType", "contentLength") if absent(body.get(name))]
    if gone:
        raise missing(*gone, suffix=".")
    kind, length, md5 = body["contentType"], body["contentLength"], body.get("contentMD5")
    if not isinstance(kind, str) or kind not in _MIME:
        raise invalid(f"contentType parameter is invalid. Use one of {list(_MIME)}")
    whole = isinstance(length, int | float) and not isinstance(length, bool)
    if not whole or length != int(length) or not 1 <= length <= MAX_LENGTH:
        raise invalid(f"contentLength parameter is invalid. Use a value of 1 to {MAX_LENGTH}")
    if md5 is not None and not (isinstance(md5, str) and _MD5.fullmatch(md5)):
        raise invalid("contentMD5 parameter is invalid.")
    return kind, int(length), md5


def _destination(document: Document, call: Call) -> JsonDict:
    query = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Date": call.now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ"),
        "X-Amz-SignedHeaders": "content-type;host",
        "X-Amz-Expires": str(_URL_SECONDS),
        "X-Amz-Credential": "AKIASANDBOX/sandbox/s3/aws4_request",
    }
    query["X-Amz-Signature"] = _signature(document, query)
    return {
        "uploadDestinationId": document.id,
        "url": f"{call.base_url}/_uploads/{document.token}?{urlencode(query)}",
        "encryptionDetails": {
            "standard": "AES",
            "initializationVector": document.iv,
            "key": document.key,
        },
        "headers": {"Content-Type": _MIME[document.content_type]},
    }


def _signature(document: Document, query: dict[str, str]) -> str:
    signed = f"{document.token}\n{_MIME[document.content_type]}\n{urlencode(sorted(query.items()))}"
    return hmac.new(_SIGNING_KEY, signed.encode(), hashlib.sha256).hexdigest()


def upload(realm: Realm, incoming: Incoming, token: str) -> Reply:
    """Answer a presigned PUT; refusals are S3's XML."""
    if incoming.method != "PUT":
        return _refused(405, "MethodNotAllowed", "The specified method is not allowed.")
    document = _by_token(realm, token)
    query = dict(parse_qsl(incoming.query))
    signature = query.pop("X-Amz-Signature", "")
    if document is None or not hmac.compare_digest(_signature(document, query), signature):
        return _refused(403, "SignatureDoesNotMatch", "The signature does not match the request.")
    if incoming.headers.get("content-type") != _MIME[document.content_type]:
        return _refused(403, "SignatureDoesNotMatch", "The content-type is not the signed one.")
    if realm.now() >= document.expires and not document.uploaded:
        return _refused(403, "AccessDenied", "Request has expired")
    if len(incoming.body) > MAX_LENGTH + 16:
        return _refused(400, "EntityTooLarge", "Your upload exceeds the maximum allowed size.")
    _store(document, incoming.body, realm.now())
    realm.dirty = True
    return Reply(200)


def _by_token(realm: Realm, token: str) -> Document | None:
    listed = (one for world in realm.worlds.values() for one in world.documents.values())
    return next((one for one in listed if one.token == token), None)


def _refused(status: int, code: str, message: str) -> Reply:
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    return Reply(status, body, {"Content-Type": "application/xml"})


def _store(document: Document, ciphertext: bytes, now: datetime) -> None:
    """Keep an upload and what Amazon's inspection will say about it."""
    document.ciphertext, document.uploaded = ciphertext, True
    document.expires = now + _KEPT
    plain = decrypt(document, ciphertext)
    document.problem = "decryption" if plain is None else _inspect(document, plain)
    document.sha256 = base64.b64encode(hashlib.sha256(plain or b"").digest()).decode()


def decrypt(document: Document, ciphertext: bytes) -> bytes | None:
    """Decrypt AES-256-CBC with PKCS#7 padding; None when it was encrypted in another way."""
    key, iv = base64.b64decode(document.key), base64.b64decode(document.iv)
    try:
        decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
        padded = decryptor.update(ciphertext) + decryptor.finalize()
        unpadder = PKCS7(128).unpadder()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        return None


def _inspect(document: Document, plain: bytes) -> str | None:
    if len(plain) > MAX_LENGTH:
        return "too_long"
    if len(plain) != document.length:
        return "length"
    digest = base64.b64encode(hashlib.md5(plain, usedforsecurity=False).digest()).decode()
    if document.md5 and document.md5 != digest:
        return "md5"
    if MALWARE in plain:
        return "malware"
    return None if plain.startswith(_MAGIC[document.content_type]) else "type"


def problem(call: Call, reference: JsonDict) -> str | None:
    """Return what Amazon says to a document on an appointment; None when it takes it."""
    reason = _verdict(call, reference)
    if reason is None:
        return None
    return f"Failed to process proof of appointment input. Reason: {_REASONS[reason]}"


def _verdict(call: Call, reference: JsonDict) -> str | None:
    document = call.world.documents.get(str(reference.get("uploadDestinationId")))
    if document is None:
        return "unknown"
    if call.now >= document.expires:
        return "expired"
    if not document.uploaded:
        return "not_uploaded"
    if document.problem in _REASONS:
        return document.problem
    digest = reference.get("contentSha256")
    return None if digest in (document.sha256, None) else "sha256"
