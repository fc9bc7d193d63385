"""Processes that die in the middle of a write, or ask for the same thing at the same moment."""

from __future__ import annotations

import datetime as dt
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from django.core.cache import cache
from django.db.models import F

from dispatch.models import Action, Person, Seller
from dispatch.services.amazon import tokens
from dispatch.services.amazon.client import connect
from dispatch.services.amazon.tokens import SharedTokenCache, shared_token_cache
from dispatch.services.mirror import one_job
from dispatch.services.writes import settling
from dispatch.spapi.tokens import AccessTokenClient
from tests.conftest import PASSWORD, Amazon, MakeJob
from tests.fire import world
from tests.fire.processes import Browser, Web, run_script, run_worker
from tests.fire.world import LATER, NEW, SET
from tests.limits import AT_ONCE, PATIENCE, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]
State = Action.State


@dataclass(frozen=True)
class Form:
    """A write as a person makes it on the pages."""

    operation: str
    job: str
    page: str
    done: str
    choices: tuple[tuple[str, str], ...] = ()

    @property
    def path(self) -> str:
        return f"/jobs/{self.job}/{self.page}/"


FORMS = {
    "add": Form(
        "addAppointmentForServiceJobByServiceJobId",
        NEW,
        "add-appointment",
        "Appointment added",
    ),
    "reschedule": Form(
        "rescheduleAppointmentForServiceJobByServiceJobId",
        SET,
        "reschedule",
        "Rescheduled",
        (("reason", "R1"),),
    ),
}


SHARED = uuid.uuid4().hex


@pytest.fixture(autouse=True)
def cache_of_its_own(settings: Any) -> None:
    """The servers outlive a test, and so does the cache they share with it."""
    config = settings.CACHES["default"]
    if not config["BACKEND"].endswith("DatabaseCache"):
        settings.CACHES = {"default": {**config, "KEY_PREFIX": SHARED}}


@pytest.fixture(scope="module")
def webs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Web]]:
    """Two servers that survive from test to test, unless they are killed."""
    folder = tmp_path_factory.mktemp("gunicorn")
    made = [Web(folder, name) for name in ("one", "two")]
    yield made
    for web in made:
        web.kill()


@pytest.fixture
def stage(amazon: Amazon, seller: Seller, make_job: MakeJob) -> None:
    world.build(amazon, make_job)
    for service_job_id in (NEW, SET):
        assert one_job.find_job(seller, service_job_id)


@pytest.fixture
def desk(webs: list[Web], stage: None, bob: Person) -> Browser:
    webs[0].start()
    return Browser(webs[0], bob.email, PASSWORD)


def fill(desk: Browser, form: Form) -> dict[str, str]:
    return {**desk.form(form.path), "slot": LATER.isoformat(), **dict(form.choices)}


def send_into_the_void(desk: Browser, form: Form, filled: dict[str, str]) -> threading.Thread:
    """Post it, expecting no answer."""

    def post() -> None:
        with pytest.raises(requests.ConnectionError):
            desk.post(form.path, filled)

    thread = threading.Thread(target=post)
    thread.start()
    return thread


def token_client(seller: Seller) -> AccessTokenClient:
    """What gets the seller's access tokens, in this process."""
    with connect(seller, interactive=False) as client:
        assert client._line is not None
        found = client._line.tokens
    assert isinstance(found, AccessTokenClient)
    return found


def forget_token(seller: Seller) -> None:
    """As if nobody had asked for one yet, nor were about to."""
    key = token_client(seller)._key
    shared_token_cache().forget(key)
    cache.delete(f"lwa.{key}.lock")


def is_done(amazon: Amazon, form: Form) -> bool:
    return world.TRIES[form.operation].after(amazon.state())


def is_untouched(amazon: Amazon, form: Form) -> bool:
    return world.TRIES[form.operation].before(amazon.state())


def taken(amazon: Amazon) -> bool:
    """Whether the fault has met its request."""
    waiting = requests.get(f"{amazon.url}/_sandbox/faults", timeout=PATIENCE).json()
    return waiting == []


@pytest.mark.parametrize("committed", [True, False], ids=["committed", "not committed"])
@pytest.mark.parametrize("name", FORMS)
def test_a_server_killed_in_the_middle_of_a_write(
    name: str, committed: bool, desk: Browser, webs: list[Web], amazon: Amazon
) -> None:
    form = FORMS[name]
    filled = fill(desk, form)
    kind = "drop_after_commit" if committed else "drop"
    amazon.faults({"operation": form.operation, "kind": kind, "seconds": PATIENCE})
    posted = send_into_the_void(desk, form, filled)
    wait_until(lambda: is_done(amazon, form) if committed else taken(amazon), "the write")

    webs[0].kill()
    posted.join()
    amazon.faults()

    [action] = Action.objects.all()
    assert action.state == State.SENT
    webs[0].start()
    assert "Not confirmed yet" in desk.get(f"/jobs/{form.job}/")

    past = settling.ABANDONED_AFTER + dt.timedelta(seconds=1)
    Action.objects.update(sent_at=F("sent_at") - past, created_at=F("created_at") - past)
    run_worker(until=lambda: Action.objects.get().settled)

    action.refresh_from_db()
    page = desk.get(f"/jobs/{form.job}/")
    assert "Not confirmed yet" not in page
    if committed:
        assert action.state == State.ACCEPTED
        assert form.done in page
    else:
        assert action.state == State.REFUSED
        assert "It is safe to send it again." in page
        assert is_untouched(amazon, form)
        again = desk.post(form.path, fill(desk, form))
        assert again.ok, again.status_code
    assert is_done(amazon, form)

    # The form that the dead server had taken is spent: from history it sends nothing.
    calls = len(world.calls_once_quiet(amazon, form.operation, 1 if committed else 2))
    desk.post(form.path, filled)
    assert len(amazon.calls(form.operation)) == calls
    assert is_done(amazon, form)


def test_a_server_killed_before_it_sent_anything(
    desk: Browser, webs: list[Web], amazon: Amazon, seller: Seller
) -> None:
    """It was still asking for a token: the row says sent, Amazon has heard nothing."""
    form = FORMS["add"]
    filled = fill(desk, form)
    forget_token(seller)
    amazon.faults({"operation": "token", "kind": "latency", "seconds": PATIENCE})
    posted = send_into_the_void(desk, form, filled)
    wait_until(lambda: taken(amazon), "the token's request")
    webs[0].kill()
    posted.join()
    amazon.faults()

    assert amazon.calls(form.operation) == []
    past = settling.ABANDONED_AFTER + dt.timedelta(seconds=1)
    Action.objects.update(sent_at=F("sent_at") - past)
    # The dead server held the token's lock, which ends by itself; nobody waits for it here.
    forget_token(seller)
    run_worker(until=lambda: Action.objects.get().settled)
    assert Action.objects.get().state == State.REFUSED

    webs[0].start()
    assert "It is safe to send it again." in desk.get(f"/jobs/{form.job}/")
    assert is_untouched(amazon, form)


def test_two_servers_with_the_same_form_at_the_same_moment_write_once(
    desk: Browser, webs: list[Web], amazon: Amazon
) -> None:
    form = FORMS["add"]
    filled = fill(desk, form)
    for web in webs:
        web.start()
    cookies = desk.session.cookies.get_dict()
    amazon.faults({"operation": form.operation, "kind": "latency", "seconds": 0.5})
    both = threading.Barrier(4)
    answers: list[str] = []

    def post(web: Web) -> None:
        both.wait()
        answer = requests.post(
            web.url + form.path, filled, cookies=cookies, timeout=PATIENCE, allow_redirects=False
        )
        answers.append(answer.headers.get("Location", f"status {answer.status_code}"))

    threads = [threading.Thread(target=post, args=(web,)) for web in (*webs, *webs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    action = Action.objects.get()
    assert action.state == State.ACCEPTED
    assert answers == [f"/jobs/{NEW}/?done={action.pk}"] * 4
    assert len(amazon.calls(form.operation)) == 1
    assert is_done(amazon, form)


# --- One renewal for all processes --------------------------------------------------------------

MANY = 8
ASK = f"""
import os, sys
import django
django.setup()
from dispatch.models import Seller
from dispatch.services.amazon.client import connect

gate, open_gate = os.pipe()
children = []
for _ in range({MANY}):
    child = os.fork()
    if not child:
        os.close(open_gate)
        os.read(gate, 1)  # Until the parent closes its end: all begin together.
        seller = Seller.objects.get(pk=sys.argv[1])
        with connect(seller, interactive=False) as client:
            client.get_service_job_by_service_job_id("JOB-SET")
        os._exit(0)
    children.append(child)
os.close(open_gate)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
assert codes == [0] * {MANY}, codes
"""


@pytest.mark.parametrize("was", ["expired", "not taken", "never there"])
def test_many_processes_renew_a_token_once(
    was: str, stage: None, seller: Seller, amazon: Amazon
) -> None:
    if was == "never there":
        forget_token(seller)
    if was == "not taken":
        amazon.control("tokens", {"expireAccessTokens": True})
    if was == "expired":
        _put_an_old_token(seller)
    asked = len(amazon.calls("token"))
    amazon.faults({"operation": "token", "kind": "latency", "seconds": 0.3})
    run_script(ASK, str(seller.pk))
    assert len(amazon.calls("token")) - asked == 1


def _put_an_old_token(seller: Seller) -> None:
    """One that ends within the minute by which renewals come early."""
    client = token_client(seller)
    client._cache.put(client._key, client.get_auth().access_token, time.time() + 30)


def test_a_lock_left_by_a_dead_process_ends_by_itself(
    stage: None, seller: Seller, amazon: Amazon
) -> None:
    forget_token(seller)
    begun = time.monotonic()
    cache.add(f"lwa.{token_client(seller)._key}.lock", uuid.uuid4().hex, 2)
    assert one_job.find_job(seller, SET)
    assert 0.5 < time.monotonic() - begun < AT_ONCE


def test_who_renews_too_slowly_does_not_end_anothers_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tokens, "LOCK_SECONDS", 1)
    key = uuid.uuid4().hex
    with SharedTokenCache().lock(key):
        cache.delete(f"lwa.{key}.lock")  # Its time is up, and the next one's begins.
        assert cache.add(f"lwa.{key}.lock", "another's", 30)
    assert cache.get(f"lwa.{key}.lock") == "another's"
