"""The cast and the stage: real sandbox over HTTP, real database; fakes only at the edges.

Alice owns a seller, Bob dispatches for it, Tom is its technician, Charlie is a stranger.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
import requests
import time_machine
from django.conf import settings as django_settings
from django.core.management import call_command
from django.utils import timezone
from prometheus_client import REGISTRY, generate_latest

from dispatch.models import Membership, Person, ReasonCode, Seller, Technician, TechnicianResource
from dispatch.sandbox.realm import APPLICATION, APPLICATION_SECRET
from dispatch.sandbox.server import SandboxServer
from dispatch.services.amazon.tokens import shared_token_cache
from dispatch.services.mirror import queue, sync, tasks
from dispatch.services.writes import waiting
from dispatch.spapi import Services
from dispatch.spapi.retry import Policy
from tests import limits

PASSWORD = "Correct-Horse-7-Battery"
US = "ATVPDKIKX0DER"
NOW = dt.datetime(2026, 11, 24, 15, 0, tzinfo=dt.UTC)
REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/15")

# Playwright's event loop makes Django suspect asynchronous views; there are none.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


def run_due() -> int:
    """Do what is due in this process, as a worker would when it is rung; returns how many ran."""
    waiting = list(tasks.due(timezone.now()).values_list("pk", flat=True))
    claimed = [task for pk in waiting if (task := tasks.claim(pk, due=True)) and sync.run(task)]
    return len(claimed)


PLANTED = (
    "Jordan Example",
    "120 Sample Street",
    "555 0142",
    "5550142",
    "Atzr|",
    "Atza|",
    APPLICATION_SECRET,
    PASSWORD,
)
"""What no log line, no traceback in one, and no figure may ever show."""


class Told(logging.Handler):
    """Every log line of the whole run, as it would be written, with its traceback."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        # Asyncio and the browser's driver talk about the tests, not about us.
        if not record.name.startswith(("asyncio", "playwright", "faker", "hypothesis")):
            self.lines.append(self.format(record))


TOLD = Told()


@pytest.fixture(autouse=True, scope="session")
def _listen() -> Iterator[None]:
    """Hear every logger at its most talkative, and look at the figures at the end."""
    root = logging.getLogger()
    root.addHandler(TOLD)
    for name in ("dispatch", "django.request", "django.security"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield
    root.removeHandler(TOLD)
    shown = generate_latest(REGISTRY).decode()
    assert not [secret for secret in PLANTED if secret in shown], "a figure shows a secret"


@pytest.fixture(autouse=True)
def _tells_no_secret() -> Iterator[None]:
    """After every test: nothing planted has reached a log."""
    TOLD.lines.clear()
    yield
    leaked = [line for line in TOLD.lines if any(secret in line for secret in PLANTED)]
    assert not leaked, f"{len(leaked)} log lines show planted secrets or buyer data"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """The default cache lives in the database and has a table of its own."""
    with django_db_blocker.unblock():
        call_command("createcachetable")


@pytest.fixture(autouse=True, scope="session")
def _queue_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nobody else's workers hear this run's rings."""
    django_settings.QUEUE = ("sqlite", str(tmp_path_factory.mktemp("queue") / "queue.sqlite3"))


@pytest.fixture(autouse=True)
def cache_of_its_own(settings: Any) -> None:
    """Where the cache is no table, no transaction takes back what a test left in it."""
    config = settings.CACHES["default"]
    if not config["BACKEND"].endswith("DatabaseCache"):
        settings.CACHES = {"default": {**config, "KEY_PREFIX": uuid.uuid4().hex}}


@pytest.fixture
def redis_url() -> str:
    """Where Redis is; what needs it is left out where it is not, but never where CI is set."""
    try:
        redis.Redis.from_url(REDIS).ping()
    except redis.ConnectionError:
        assert "CI" not in os.environ, "Redis is not there"
        pytest.skip("no Redis here")
    return REDIS


PutQueue = Callable[[str, str], None]


@pytest.fixture
def put_queue(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[PutQueue]:
    """Puts the queue elsewhere, empty and under names of its own: ``put_queue("redis", url)``."""
    bell, mine = queue.Bell, f"test{os.getpid()}"
    for module in (queue, waiting):
        monkeypatch.setattr(module, "Bell", lambda name, *answer: bell(f"{mine}-{name}", *answer))
    bells = (queue.changes, queue.long_work, waiting.bell)

    def put(kind: str, place: str) -> None:
        settings.QUEUE = (kind, place)
        for one in bells:
            one.cache_clear()

    yield put
    for one in bells:
        one().huey.flush()
        one.cache_clear()


@pytest.fixture
def people(db: None) -> dict[str, Person]:
    """The cast, by first name in lower case."""
    return {
        name: Person.objects.create_user(
            f"{name}@dispatch.example", PASSWORD, name=name.capitalize()
        )
        for name in ("alice", "bob", "charlie", "tom")
    }


@pytest.fixture
def at_now() -> Iterator[None]:
    """It is `NOW`, and stays so: ask for it before anybody logs in, or they have been idle."""
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def alice(people: dict[str, Person]) -> Person:
    return people["alice"]


@pytest.fixture
def bob(people: dict[str, Person]) -> Person:
    return people["bob"]


@pytest.fixture
def charlie(people: dict[str, Person]) -> Person:
    return people["charlie"]


@pytest.fixture
def tom(people: dict[str, Person]) -> Person:
    return people["tom"]


@pytest.fixture
def seller(people: dict[str, Person]) -> Seller:
    """Alice's seller, with the sandbox's credentials, its people, roster and reason codes."""
    made = Seller.objects.create(
        owner=people["alice"],
        name="Northlight US",
        marketplace_id=US,
        client_id=APPLICATION,
        client_secret=APPLICATION_SECRET,
        refresh_token="Atzr|sandbox",
        state=Seller.State.CONNECTED,
        time_zone="America/Chicago",
    )
    for name, role in (("alice", "owner"), ("bob", "dispatcher"), ("tom", "technician")):
        Membership.objects.create(person=people[name], seller=made, role=role)
    for name, resource_id in (("Tom", "TECH-TOM"), ("Maya", "TECH-MAYA"), ("Luis", "TECH-LUIS")):
        technician = Technician.objects.create(
            seller=made,
            name=name,
            skills=["TV_MOUNTING"],
            person=people["tom"] if name == "Tom" else None,
        )
        TechnicianResource.objects.create(
            technician=technician, seller=made, resource_id=resource_id
        )
    for kind, code in (("cancel", "V1"), ("reschedule", "R1")):
        ReasonCode.objects.create(seller=made, marketplace_id=US, kind=kind, code=code)
    return made


class Amazon:
    """The sandbox as a test sees it: its state, and ways to change the world."""

    def __init__(self, server: SandboxServer) -> None:
        self.url = server.url

    def control(self, name: str, body: Any) -> None:
        answer = requests.post(f"{self.url}/_sandbox/{name}", json=body, timeout=limits.PATIENCE)
        answer.raise_for_status()

    def scenario(self, *jobs: dict[str, Any], **more: Any) -> None:
        """Replace the world: these jobs, the cast's technicians."""
        resources = [
            {"resourceId": f"TECH-{name.upper()}", "name": name, "skills": ["TV_MOUNTING"]}
            for name in ("Tom", "Maya", "Luis")
        ]
        self.control("scenario", {"now": None, "jobs": jobs, "resources": resources, **more})

    def faults(self, *faults: dict[str, Any]) -> None:
        """What goes wrong from now on; what the faults before held back goes on."""
        self.control("faults", faults)

    def state(self) -> dict[str, Any]:
        answer = requests.get(f"{self.url}/_sandbox/state", timeout=limits.PATIENCE)
        state: dict[str, Any] = answer.json()
        return state

    def quiet(self) -> bool:
        """Whether no request is being answered."""
        return self.state()["unanswered"] == 0

    def job(self, service_job_id: str) -> dict[str, Any]:
        return next(j for j in self.state()["jobs"] if j["serviceJobId"] == service_job_id)

    def calls(self, operation: str) -> list[dict[str, Any]]:
        return [call for call in self.state()["calls"] if call["operation"] == operation]

    def active(self, service_job_id: str) -> list[dict[str, Any]]:
        """The job's active appointments: never more than one."""
        visits = self.job(service_job_id).get("appointments", [])
        return [visit for visit in visits if visit["appointmentStatus"] == "ACTIVE"]


@pytest.fixture(scope="session")
def sandbox_server() -> Iterator[SandboxServer]:
    with SandboxServer(port=0, jobs=0, seed=7, rate_limits=False, life=False, state=None) as server:
        yield server


@pytest.fixture
def amazon(sandbox_server: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Amazon]:
    """An empty sandbox that the client is pointed at."""
    monkeypatch.setenv("SP_API_ENDPOINT", sandbox_server.url)
    monkeypatch.setenv("SP_API_TOKEN_URL", f"{sandbox_server.url}/auth/o2/token")
    shared_token_cache.cache_clear()
    made = Amazon(sandbox_server)
    made.faults()
    made.scenario()
    yield made
    made.faults()
    # A request whose client gave up is still being answered: not in the next test's world.
    limits.wait_until(made.quiet, "the last answer")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients that ask once and at once: for tests of what comes after the last attempt."""

    def made(*args: Any, **options: Any) -> Services:
        return Services(*args, **{**options, "policy": Policy(attempts=1), "throttle": None})

    monkeypatch.setattr("dispatch.services.amazon.client.Services", made)


MakeJob = Callable[..., dict[str, Any]]


@pytest.fixture
def make_job() -> MakeJob:
    """Builds a ``ServiceJob`` as Amazon would show it; keywords replace its parts."""

    def make(service_job_id: str = "JOB-0001", **parts: Any) -> dict[str, Any]:
        return {
            "serviceJobId": service_job_id,
            "serviceOrderId": "112-4471932-5510622",
            "createTime": "2026-11-20T15:00:00Z",
            "serviceJobStatus": "PENDING_SCHEDULE",
            "marketplaceId": US,
            "storeId": "OH-COL-04",
            "scopeOfWork": {
                "asin": "B07BB1RGT5",
                "title": "TV wall mounting, 65 inch",
                "quantity": 1,
                "requiredSkills": ["TV_MOUNTING"],
            },
            "buyer": {"name": "Jordan Example", "phone": "+1 614 555 0142"},
            "serviceLocation": {
                "serviceLocationType": "IN_HOME",
                "address": {
                    "name": "Jordan Example",
                    "addressLine1": "120 Sample Street",
                    "city": "Dublin",
                    "stateOrRegion": "OH",
                    "postalCode": "43017",
                    "countryCode": "US",
                },
            },
            **parts,
        }

    return make
