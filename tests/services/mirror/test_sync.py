"""Sync: whatever goes wrong is said and made good; odd answers never stop a worker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone

from dispatch.models import Seller, ServiceJob, SyncJob
from dispatch.services.mirror import sync
from tests.conftest import Amazon, MakeJob, run_due
from tests.services.mirror.world import (
    FIRST,
    INCREMENTAL,
    LIST,
    after_one_page,
    due,
    held,
    task,
    world,
)

pytestmark = [pytest.mark.django_db, pytest.mark.database]
ROOT = Path(__file__).resolve().parents[3]


def test_a_revoked_authorisation_is_said_and_mends_itself(loaded: Seller, amazon: Amazon) -> None:
    before = loaded.synced_at
    amazon.control("tokens", {"state": "revoked", "expireAccessTokens": True})
    sync.refresh_now(loaded)
    loaded.refresh_from_db()
    assert loaded.state == Seller.State.REVOKED
    assert "authorise again" in loaded.state_detail
    assert loaded.synced_at == before
    assert "authorise again" in task(loaded).last_error
    amazon.control("tokens", {"state": "active"})
    sync.refresh_now(loaded)
    loaded.refresh_from_db()
    assert (loaded.state, loaded.state_detail) == (Seller.State.CONNECTED, "")
    assert task(loaded).last_error == ""
    assert before is not None
    assert loaded.synced_at is not None
    assert loaded.synced_at > before


def test_a_missing_role_is_said_and_mends_itself(loaded: Seller, amazon: Amazon) -> None:
    amazon.control("tokens", {"role": "lost"})
    sync.refresh_now(loaded)
    loaded.refresh_from_db()
    assert loaded.state == Seller.State.NO_ROLE
    assert "Professional Services" in task(loaded).last_error
    amazon.control("tokens", {"role": "granted"})
    sync.refresh_now(loaded)
    loaded.refresh_from_db()
    assert loaded.state == Seller.State.CONNECTED


def test_a_wrong_secret_is_said(seller: Seller, amazon: Amazon) -> None:
    seller.client_secret = "wrong"
    seller.synced_at = timezone.now()
    seller.save()
    sync.refresh_now(seller)
    seller.refresh_from_db()
    assert seller.state == Seller.State.WRONG_SECRET
    assert "client id or secret" in task(seller).last_error


def test_missing_credentials_are_said(seller: Seller, amazon: Amazon) -> None:
    seller.refresh_token = ""
    seller.synced_at = timezone.now()
    seller.save()
    sync.refresh_now(seller)
    assert "incomplete" in task(seller).last_error


def test_credentials_that_do_not_open_are_said(
    seller: Seller, amazon: Amazon, settings: Any
) -> None:
    Seller.objects.update(synced_at=timezone.now())
    settings.FIELD_KEYS = (b"n" * 32,)
    sync.refresh_now(Seller.objects.get())
    assert "this server's keys" in task(seller).last_error


def test_a_disconnected_seller_is_left_alone(loaded: Seller, amazon: Amazon) -> None:
    Seller.objects.update(state=Seller.State.DISCONNECTED)
    asked = len(amazon.calls(LIST))
    due(loaded)
    assert run_due() == 1
    assert len(amazon.calls(LIST)) == asked
    loaded.refresh_from_db()
    assert loaded.state == Seller.State.DISCONNECTED


TOLD: list[tuple[dict[str, Any], str]] = [
    ({"kind": "status", "status": 400}, "internal error"),
    ({"kind": "status", "status": 429}, "too many requests"),
    ({"kind": "status", "status": 500}, "fault of its own"),
    ({"kind": "status", "status": 503}, "fault of its own"),
    ({"kind": "drop"}, "could not be reached"),
    ({"kind": "html", "status": 503}, "fault of its own"),
    ({"kind": "html", "status": 200}, ""),
    ({"kind": "empty", "status": 200}, ""),
    ({"kind": "garbage_json", "status": 200}, ""),
    ({"kind": "errors_200"}, ""),
    ({"kind": "array", "status": 200}, ""),
]


@pytest.mark.parametrize(("fault", "words"), TOLD)
def test_a_fault_leaves_the_mirror_as_it_was_and_is_said(
    loaded: Seller, amazon: Amazon, impatient: None, fault: dict[str, Any], words: str
) -> None:
    before = list(ServiceJob.objects.order_by("pk").values())
    amazon.faults({"operation": LIST, "times": 1, **fault})
    refreshed = sync.refresh_now(loaded)
    assert refreshed is not None
    assert refreshed.last_error
    assert words in refreshed.last_error
    assert (refreshed.attempts, refreshed.lease_until) == (1, None)
    assert list(ServiceJob.objects.order_by("pk").values()) == before
    assert Seller.objects.get().synced_at == loaded.synced_at
    again = sync.refresh_now(loaded)
    assert again is not None
    assert (again.last_error, again.attempts) == ("", 0)


def test_a_refused_connection_is_said(
    loaded: Seller, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SP_API_ENDPOINT", "http://127.0.0.1:9")
    refreshed = sync.refresh_now(loaded)
    assert refreshed is not None
    assert "could not be reached" in refreshed.last_error


def test_a_fault_between_pages_keeps_what_came_and_asks_again(
    loaded: Seller, amazon: Amazon, make_job: MakeJob, impatient: None
) -> None:
    amazon.control("jobs", [make_job(f"NEW-{n:04}") for n in range(25)])
    amazon.faults(*after_one_page(kind="status", status=500))
    sync.refresh_now(loaded)
    assert Seller.objects.get().synced_at == loaded.synced_at
    sync.refresh_now(loaded)
    assert len(held()) == 28


def test_one_sellers_fault_does_not_hold_up_another(
    loaded: Seller, amazon: Amazon, make_job: MakeJob
) -> None:
    broken = Seller.objects.create(
        owner=loaded.owner, name="A", marketplace_id=loaded.marketplace_id
    )
    sync.start(broken)
    amazon.control("jobs", make_job("JOB-9999"))
    due(loaded)
    run_due()
    assert "JOB-9999" in held()
    assert "incomplete" in task(broken, FIRST).last_error


Answer = Callable[[dict[str, str]], Any]


@pytest.fixture
def odd_amazon(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Answer]]:
    """A server that lists jobs as the test's function says; the list is empty at first."""
    answers: list[Answer] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = {"access_token": "Atza|odd", "token_type": "bearer", "expires_in": 3600}
            if not self.path.startswith("/token"):
                body = answers[0]({"path": self.path})
            raw = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = answer

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setenv("SP_API_ENDPOINT", url)
    monkeypatch.setenv("SP_API_TOKEN_URL", f"{url}/token")
    yield answers
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("kind", [FIRST, INCREMENTAL])
@pytest.mark.parametrize("tokens", [["A", "A"], ["A", "B", "A", "B"]])
def test_tokens_that_go_in_a_circle_come_to_an_end(
    seller: Seller,
    odd_amazon: list[Answer],
    make_job: MakeJob,
    impatient: None,
    kind: SyncJob.Kind,
    tokens: list[str],
) -> None:
    asked = []

    def answer(request: dict[str, str]) -> Any:
        asked.append(request["path"])
        assert len(asked) < 30, "it goes round for ever"
        token = tokens[(len(asked) - 1) % len(tokens)]
        return {"payload": {"nextPageToken": token, "jobs": [make_job()], "totalResultSize": 1}}

    odd_amazon.append(answer)
    sync.start(seller)
    Seller.objects.update(synced_at=timezone.now())
    done = sync.run(task(seller, kind))
    assert done.last_error == ""
    assert len(asked) <= len(tokens) + 1
    assert held() == ["JOB-0001"]


@pytest.mark.parametrize("kind", [FIRST, INCREMENTAL])
@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"payload": None},
        {"payload": []},
        {"payload": [1, 2]},
        {"payload": {"jobs": None}},
        {"payload": {"jobs": {"a": 1}}},
        {"payload": {"jobs": 7, "totalResultSize": "many"}},
        {"payload": {"jobs": "text", "nextPageToken": 7}},
        {"payload": {"jobs": [None, 1, {}], "totalResultSize": 10**20}},
        {"payload": {"jobs": [], "nextPageToken": "more"}},
        {"payload": {"jobs": [], "totalResultSize": -5}},
        {"jobs": []},
    ],
)
def test_an_answer_of_another_shape_never_stops_the_worker(
    seller: Seller, odd_amazon: list[Answer], impatient: None, kind: SyncJob.Kind, answer: Any
) -> None:
    odd_amazon.append(lambda _: answer)
    sync.start(seller)
    Seller.objects.update(synced_at=timezone.now())
    done = sync.run(task(seller, kind))
    assert done.lease_until is None
    assert held() == []


def database_url() -> str:
    config = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{config['NAME']}"
    return (
        f"postgres://{config['USER']}:{config['PASSWORD']}@{config['HOST'] or '127.0.0.1'}"
        f":{config['PORT'] or 5432}/{config['NAME']}"
    )


@pytest.mark.django_db(transaction=True)
def test_the_worker_fills_the_mirror_and_stops_when_asked(
    seller: Seller, amazon: Amazon, make_job: MakeJob, tmp_path: Path
) -> None:
    ids = world(amazon, make_job, 3)
    sync.start(seller)
    worker = subprocess.Popen(
        [sys.executable, "manage.py", "worker"],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "dispatch.settings",
            "DATABASE_URL": database_url(),
            "SECRET_KEY": django_settings.SECRET_KEY,
            "QUEUE_URL": f"sqlite:///{tmp_path}/queue.sqlite3",
            "DISPATCH_DEMO": "true",
            "SP_API_CONSENT_URL": amazon.url,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 30
        while held() != ids and time.monotonic() < deadline and worker.poll() is None:
            time.sleep(0.1)
        worker.send_signal(signal.SIGTERM)
        out, err = worker.communicate(timeout=20)
    finally:
        worker.kill()
    assert held() == ids, err
    assert worker.returncode == 0
    assert "worker: ready" in out
    assert "Atzr" not in out + err
