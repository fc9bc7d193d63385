"""What lies on the disk and in Redis after a day's work gives nothing away."""

from __future__ import annotations

import base64
import logging
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from dispatch.configuration import cache_from_url
from dispatch.models import Action, Person, Seller, ServiceJob, SyncJob
from dispatch.services.amazon import slots
from dispatch.services.amazon.documents import Document
from dispatch.services.amazon.tokens import shared_token_cache
from dispatch.services.mirror import queue, sync
from dispatch.services.writes.kinds import add_appointment, add_proof
from tests.conftest import PASSWORD, Amazon, MakeJob, PutQueue, run_due
from tests.writing import write

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

TOKEN = "Atza|of-another-seller"
SECRETS = (
    TOKEN,
    "Atzr|sandbox",
    "sandbox-secret",
    "Atza|",
    "amzn1.application-oa2-client.sandbox",
    PASSWORD,
)
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


def in_redis(client: redis.Redis) -> dict[bytes, bytes]:
    """Every key there is, with all that it holds, whatever its type."""
    readers: dict[bytes, Callable[[bytes], Any]] = {
        b"string": client.get,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"set": client.smembers,
        b"hash": client.hgetall,
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        b"stream": client.xrange,
        b"none": lambda key: None,  # Gone since it was named.
    }
    return {key: flat(readers[client.type(key)](key)) for key in client.scan_iter()}


def flat(value: Any) -> bytes:
    """All the texts in a value of Redis', one a line."""
    if isinstance(value, dict):
        value = list(value.items())
    if isinstance(value, (list, tuple, set)):
        return b"\n".join(map(flat, value))
    return value if isinstance(value, bytes) else str(value).encode()


def found(raw: bytes) -> list[str]:
    return [
        text
        for text in (*SECRETS, *BUYER)
        if any(len(form) >= 5 and form in raw for form in forms(text))
    ]


@pytest.fixture
def on_redis(redis_url: str, settings: Any, put_queue: PutQueue) -> Iterator[redis.Redis]:
    """Redis, with cache and queue in it, as ``CACHE_URL`` and ``QUEUE_URL`` may have them."""
    settings.CACHES = {"default": {**cache_from_url(redis_url), "KEY_PREFIX": uuid.uuid4().hex}}
    put_queue("redis", redis_url)
    with redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def a_days_work(
    seller: Seller, bob: Person, amazon: Amazon, make_job: MakeJob, client: Client, impatient: None,
    caplog: pytest.LogCaptureFixture, settings: Any,
) -> None:  # fmt: skip
    """Sync, an appointment, an upload, a refusal, a lost answer, a revoked token, an export; a
    log-in with a wrong password, and one with the right."""
    caplog.set_level(logging.DEBUG)
    settings.DISPATCH_DEMO, settings.SP_API_ENDPOINT = True, amazon.url
    now = timezone.now().isoformat()
    amazon.scenario(make_job("JOB-1", createTime=now), make_job("JOB-2", createTime=now))
    sync.start(seller)
    run_due()
    job = ServiceJob.objects.select_related("seller").get(service_job_id="JOB-1")
    start = slots.for_job(job, since=timezone.now())[3].start
    for _ in range(2):
        write(add_appointment, person=bob, job=job, key=uuid.uuid4(), start=start)
    job = ServiceJob.objects.select_related("seller").get(service_job_id="JOB-1")
    photo = Document(b"\xff\xd8\xff\xe0 " + BUYER[0].encode(), "JPG")
    write(
        add_proof,
        person=bob,
        job=job,
        key=uuid.uuid4(),
        appointment_id=job.appointment_id,
        proofs=[photo],
    )
    amazon.faults({"operation": "*", "kind": "drop", "times": 2})
    other = ServiceJob.objects.select_related("seller").get(service_job_id="JOB-2")
    write(add_appointment, person=bob, job=other, key=uuid.uuid4(), start=start)
    amazon.faults()
    for password in (f"{PASSWORD}!", PASSWORD):
        client.post("/account/login/", {"login": bob.email, "password": password})
    assert "_auth_user_id" in client.session
    for address in ("/jobs/?q=jordan+example", "/jobs/JOB-1/", "/jobs/JOB-1/reschedule/"):
        assert client.get(address).status_code == 200
    assert b"Jordan" in b"".join(client.get("/jobs/export.csv"))  # type: ignore[arg-type]
    assert b"VEVENT" in b"".join(client.get("/jobs/export.ics"))  # type: ignore[arg-type]
    amazon.control("tokens", {"state": "revoked", "expireAccessTokens": True})
    sync.refresh_now(seller)
    SyncJob.objects.update(next_run_at=timezone.now())
    assert queue.tick() == len(SyncJob.Kind)
    # The revoked one is forgotten; another seller's stays.
    shared_token_cache().put("other", TOKEN, time.time() + 3600)


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


def test_redis_holds_no_secret_and_no_buyer(on_redis: redis.Redis, a_days_work: None) -> None:
    held = in_redis(on_redis)
    ours = [key for key in held if cache.key_prefix.encode() in key]
    assert [key for key in ours if b"lwa." in key], "a token is in the cache"
    assert [key for key in ours if b"exports." in key], "a count is in the cache"
    assert queue.changes().huey.storage.queue_key.encode() in held, "it was rung"
    # The keys too: a key may be made of what somebody typed.
    assert {key for key, raw in held.items() if found(key + b"\n" + raw)} == set()


def test_redis_is_searched_whole(redis_url: str) -> None:
    """Every type of value; with a mark of its own, as others may be searching just now."""
    mine, mark = f"planted:{uuid.uuid4().hex}", uuid.uuid4().hex
    with redis.from_url(redis_url) as client:
        plants: dict[str, Callable[[str], Any]] = {
            "string": lambda key: client.set(key, mark),
            "list": lambda key: client.rpush(key, "a", mark),
            "set": lambda key: client.sadd(key, "a", mark),
            "hash field": lambda key: client.hset(key, mark, "a"),
            "hash value": lambda key: client.hset(key, "a", mark),
            "sorted set": lambda key: client.zadd(key, {"a": 1, mark: 2}),
            "stream": lambda key: client.xadd(key, {"a": mark}),
        }
        names = {f"{mine}:{name}": plant for name, plant in plants.items()}
        try:
            for key, plant in names.items():
                plant(key)
            seen = {key.decode() for key, raw in in_redis(client).items() if mark.encode() in raw}
        finally:
            client.delete(*names)
    assert seen == set(names)


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
