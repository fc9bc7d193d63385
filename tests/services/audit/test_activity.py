"""The log of activity: what gets in, what cannot, and that it goes with what it records."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from dispatch.models import (
    Action,
    Activity,
    ActivityHead,
    Membership,
    Person,
    Seller,
    ServiceJob,
    Technician,
)
from dispatch.services import reason_codes, sellers, technicians
from dispatch.services.access import people
from dispatch.services.amazon.client import note_state
from dispatch.services.audit import activity, evidence
from dispatch.services.audit.activity import Asking, Kind, asked_by, record
from dispatch.services.errors import CannotBeDone
from dispatch.services.mirror import store
from dispatch.services.writes import settling
from dispatch.services.writes.kinds import cancel, complete
from tests.conftest import NOW, PLANTED, US, Amazon, MakeJob
from tests.writing import write

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def kinds() -> list[str]:
    return list(Activity.objects.order_by("number").values_list("kind", flat=True))


def newest() -> Activity:
    row = Activity.objects.order_by("-number").first()
    assert row is not None
    return row


# --- A row ------------------------------------------------------------------------------------


def test_a_row_says_who_what_where_and_when(bob: Person, seller: Seller) -> None:
    with time_machine.travel(NOW, tick=False):
        record(Kind.EXPORTED, person=bob, seller=seller, what="jobs", rows=3, buyers=True)
    row = Activity.objects.get()
    assert (row.number, row.at, row.kind) == (1, NOW, "exported")
    assert (row.person_id, row.person_email) == (bob.pk, "bob@dispatch.example")
    assert (row.seller_id, row.seller_name) == (seller.pk, "Northlight US")
    assert row.detail == {"what": "jobs", "rows": 3, "buyers": True}
    assert row.label == "Exported"


def test_a_row_outlives_the_person_and_the_seller(bob: Person, charlie: Person) -> None:
    gone = Seller.objects.create(owner=charlie, name="Gone", marketplace_id=US)
    record(Kind.SWITCHES_CHANGED, person=bob, seller=gone, off=[])
    gone.delete()
    bob.delete()
    assert (newest().person_email, newest().seller_name) == ("bob@dispatch.example", "Gone")
    assert evidence.verify().rows == 1


def test_who_asks_comes_from_the_request(bob: Person, alice: Person) -> None:
    with asked_by(Asking(lambda: bob, "203.0.113.77")):
        record(Kind.SETTINGS_CHANGED, fields=["theme"])
        assert newest().person_id == bob.pk
        record(Kind.SETTINGS_CHANGED, person=alice, fields=["theme"])
        assert newest().person_id == alice.pk
    record(Kind.PRUNED, rows=1)
    assert (newest().person_id, newest().origin) == (None, "")


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("", ""),
        ("nonsense", ""),
    ],
)
def test_the_whole_address_is_kept_of_log_ins_only(bob: Person, address: str, kept: str) -> None:
    with asked_by(Asking(lambda: bob, address)):
        record(Kind.SETTINGS_CHANGED, fields=["theme"])
        assert newest().origin == kept
        record(Kind.LOG_IN)
        assert newest().origin == address


# --- What does not get in ---------------------------------------------------------------------


def test_a_detail_that_the_kind_does_not_have_is_a_mistake(bob: Person) -> None:
    with pytest.raises(TypeError, match="log_in has no detail named name"), transaction.atomic():
        record(Kind.LOG_IN, person=bob, name="Jordan Example")
    assert not Activity.objects.exists()


@pytest.mark.parametrize("text", [*PLANTED[:4], "jordan@example.com", "a b", "", "x" * 101, "é"])
def test_what_people_write_is_no_code(text: str) -> None:
    record(Kind.WRITE, request=text, errors=[text, "InvalidInput"])
    assert newest().detail["request"] == "?"
    assert set(newest().detail["errors"]) == {"?", "InvalidInput"}


def test_every_kind_has_its_details_and_every_detail_a_rule() -> None:
    assert set(activity.DETAILS) == set(Kind)
    for rules in activity.DETAILS.values():
        assert all(callable(rule) for rule in rules.values())


def test_a_subject_is_one_line_that_every_database_keeps() -> None:
    record(Kind.WRITE, subject="JOB\n1\0\ud800" + "x" * 300)
    assert newest().subject == ("JOB1" + "x" * 300)[:254]
    assert evidence.verify().rows == 1


class TestAnything(TestCase):
    """Whatever is recorded, the chain holds when it is read back."""

    @settings(max_examples=25, deadline=None)
    @given(
        subject=st.text(max_size=300),
        code=st.text(max_size=120),
        rows=st.integers(-(2**53), 2**53),
        many=st.lists(st.text(max_size=20), max_size=60),
    )
    def test_it_is_read_back_as_it_was_hashed(
        self, subject: str, code: str, rows: int, many: list[str]
    ) -> None:
        record(Kind.EXPORTED, subject=subject, what=code, rows=rows)
        record(Kind.CREDENTIALS_CHANGED, subject=subject, fields=many)
        evidence.verify()


# --- With what it records ---------------------------------------------------------------------


def test_nothing_is_recorded_of_what_is_taken_back(bob: Person) -> None:
    record(Kind.LOG_IN, person=bob)
    with pytest.raises(RuntimeError), transaction.atomic():
        record(Kind.LOGGED_OUT, person=bob)
        raise RuntimeError
    record(Kind.LOG_IN, person=bob)
    assert kinds() == ["log_in", "log_in"]
    assert evidence.verify().rows == 2


def test_what_cannot_be_recorded_is_not_done(bob: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    reason = Activity(kind="x")
    assert reason.label == "x"
    monkeypatch.setattr(activity, "row_hash", refuse)
    seller = Seller.objects.create(owner=bob, name="Own", marketplace_id=US)
    with pytest.raises(OSError):
        people.join(person=bob, seller=seller, role=_DISPATCHER)
    assert not bob.memberships.exists()


_DISPATCHER = Membership.Role.DISPATCHER


def _own(person: Person) -> Seller:
    made = Seller.objects.create(owner=person, name="Own", marketplace_id=US)
    Membership.objects.create(person=person, seller=made, role="owner")
    return made


def test_recording_costs_three_queries_and_a_transaction(
    bob: Person, django_assert_num_queries: Any
) -> None:
    record(Kind.LOG_IN, person=bob)
    with django_assert_num_queries(3):
        record(Kind.LOG_IN, person=bob)


@pytest.mark.django_db(transaction=True)
def test_many_who_add_at_once_make_one_chain() -> None:
    failed: list[Exception] = []

    def add() -> None:
        try:
            for number in range(20):
                record(Kind.PRUNED, rows=number)
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert evidence.verify().rows == 160


# --- Buyer data -------------------------------------------------------------------------------


@pytest.fixture
def job(seller: Seller, make_job: MakeJob) -> ServiceJob:
    store.store(seller, [make_job("JOB-1"), make_job("JOB-2")], fetched_at=NOW)
    return ServiceJob.objects.get(service_job_id="JOB-1")


def test_buyer_data_opened_is_one_row_an_hour_a_person_and_a_job(
    job: ServiceJob, bob: Person, tom: Person
) -> None:
    other = ServiceJob.objects.get(service_job_id="JOB-2")
    with time_machine.travel(NOW, tick=False) as clock:
        for person, one in ((bob, job), (bob, job), (tom, job), (bob, other)):
            activity.opened(person=person, job=one)
        assert Activity.objects.count() == 3
        clock.shift(3599)
        activity.opened(person=bob, job=job)
        assert Activity.objects.count() == 3
        clock.shift(2)
        activity.opened(person=bob, job=job)
        assert Activity.objects.count() == 4
    assert newest().subject == "JOB-1"


def test_a_job_without_buyer_data_opens_nothing(seller: Seller, bob: Person) -> None:
    store.store(seller, [{"serviceJobId": "BARE"}], fetched_at=NOW)
    activity.opened(person=bob, job=ServiceJob.objects.get())
    assert not Activity.objects.exists()


# --- What the services record -----------------------------------------------------------------


def test_people_and_roles(alice: Person, charlie: Person, seller: Seller) -> None:
    with asked_by(Asking(lambda: alice)):
        joined = people.join(person=charlie, seller=seller, role=_DISPATCHER)
        people.change_role(membership=joined, role=Membership.Role.AUDITOR)
        people.remove(membership=joined)
    assert kinds() == ["person_added", "role_changed", "person_removed"]
    rows = Activity.objects.order_by("number")
    assert {row.subject for row in rows} == {charlie.email}
    assert [row.person_email for row in rows] == [charlie.email, alice.email, alice.email]
    assert [row.detail for row in rows] == [
        {"role": "dispatcher"},
        {"role": "auditor", "before": "dispatcher"},
        {"role": "auditor"},
    ]


def test_a_refused_change_of_people_is_not_recorded(seller: Seller, bob: Person) -> None:
    with pytest.raises(CannotBeDone):
        people.remove(membership=Membership.objects.get(role="owner"))
    with pytest.raises(CannotBeDone):
        people.join(person=bob, seller=seller, role=_DISPATCHER)
    assert kinds() == []


def test_technicians_and_who_logs_in_as_them(seller: Seller, tom: Person) -> None:
    maya = Technician.objects.get(name="Maya")
    technicians.save(
        seller=seller, name="Maya", resource_ids=["TECH-MAYA", "TECH-M2"], skills=[], colour=1,
        person=tom, technician=maya,
    )  # fmt: skip
    assert newest().subject == f"technician {maya.pk}"
    assert newest().detail == {
        "logs_in": tom.pk,
        "resources": ["TECH-M2", "TECH-MAYA"],
        "new": False,
    }
    technicians.remove(technician=maya)
    assert kinds() == ["technician_saved", "technician_removed"]


def test_credentials_by_name_and_never_by_value(alice: Person) -> None:
    secret = sellers.Credentials("client-id-secret", "client-secret-secret", "Atzr|token")
    details = sellers.Details("Northlight", US)
    seller = sellers.connect(owner=alice, details=details, credentials=secret)
    sellers.change(
        seller=seller,
        details=sellers.Details("Northlight 2", US, time_zone="Europe/Berlin"),
        credentials=sellers.Credentials(client_secret="another-secret"),
    )
    sellers.disconnect(seller=seller)
    assert kinds() == [
        "seller_connected", "seller_changed", "credentials_changed", "seller_disconnected",
    ]  # fmt: skip
    details_of = list(Activity.objects.order_by("number").values_list("detail", flat=True))
    assert details_of[1:3] == [{"fields": ["name", "time_zone"]}, {"fields": ["client_secret"]}]
    assert "secret-" not in str(details_of)
    assert "Atzr" not in str(details_of)


def test_saving_what_was_there_changes_nothing(alice: Person) -> None:
    details = sellers.Details("Northlight", US)
    seller = sellers.connect(owner=alice, details=details, credentials=sellers.Credentials())
    sellers.change(seller=seller, details=details, credentials=sellers.Credentials())
    assert kinds() == ["seller_connected"]


def test_switches_and_reasons(seller: Seller) -> None:
    sellers.switch(seller=seller, on=["assign"])
    assert "cancel" in newest().detail["off"]
    kind = next(iter(seller.reason_codes.all())).kind
    reason = reason_codes.add(seller=seller, kind=kind, code="NEW", description="Jordan called")
    reason_codes.describe(reason=reason, description="Other")
    reason_codes.move(reason=reason, up=True)
    reason_codes.remove(reason=reason)
    rows = Activity.objects.filter(kind="reasons_changed").order_by("number")
    assert [row.detail["change"] for row in rows] == ["added", "described", "moved", "removed"]
    assert {row.detail["reason"] for row in rows} == {"NEW"}
    assert "Jordan" not in str([row.detail for row in rows])


def test_what_amazon_says_of_the_credentials_is_recorded_when_it_changes(seller: Seller) -> None:
    for state in ("connected", "revoked", "revoked", "connected"):
        note_state(seller, Seller.State(state), "words")
    assert [row.detail["state"] for row in Activity.objects.order_by("number")] == [
        "revoked",
        "connected",
    ]


# --- Writes -----------------------------------------------------------------------------------


def test_a_write_is_recorded_when_asked_for_and_when_settled(
    bob: Person, seller: Seller, amazon: Amazon, make_job: MakeJob
) -> None:
    amazon.scenario(make_job("JOB-1"))
    store.store(seller, [make_job("JOB-1")], fetched_at=NOW)
    job = ServiceJob.objects.get()
    action = write(cancel, person=bob, job=job, reason="V1")
    rows = list(Activity.objects.filter(kind="write").order_by("number"))
    assert [row.detail["state"] for row in rows] == ["pending", "accepted"]
    assert {row.subject for row in rows} == {"JOB-1"}
    assert {row.person_id for row in rows} == {bob.pk}
    assert rows[1].detail["request"] == action.request_id
    assert rows[1].detail["status"] == 200
    assert "Jordan" not in str([row.detail for row in rows])


def test_a_refusal_is_recorded_with_amazons_code(
    bob: Person, seller: Seller, amazon: Amazon, make_job: MakeJob
) -> None:
    amazon.scenario(make_job("JOB-1", serviceJobStatus="CANCELLED"))
    store.store(seller, [make_job("JOB-1")], fetched_at=NOW)
    write(complete, person=bob, job=ServiceJob.objects.get())
    assert newest().detail["state"] == "refused"
    assert newest().detail["status"] >= 400
    assert newest().detail["errors"] not in ([], ["?"])


def test_a_write_that_was_never_sent_is_recorded_as_given_up(bob: Person, seller: Seller) -> None:
    Action.objects.create(
        key=uuid.uuid4(), seller=seller, person=bob, kind="cancel",
        created_at=NOW.replace(year=2020),
    )  # fmt: skip
    assert settling.settle_open() == 1
    assert (newest().kind, newest().detail["state"]) == ("write", "refused")
    assert newest().person_id == bob.pk


def test_no_planted_value_reaches_the_log(bob: Person, seller: Seller, job: ServiceJob) -> None:
    for value in PLANTED:
        for kind, rules in activity.DETAILS.items():
            loose: dict[str, Any] = {
                name: [value] if rule is activity._codes else value
                for name, rule in rules.items()
                if rule not in (int,)
            }
            record(kind, person=bob, seller=seller, **loose)
    shown = str(list(Activity.objects.values_list()))
    # Log-in's own words and a phone number without spaces are the same signs as an id.
    people_write = [text for text in PLANTED if not text.replace("-", "").isalnum()]
    assert len(people_write) >= 5
    assert not [text for text in people_write if text in shown]


def test_the_head_is_kept_once(bob: Person) -> None:
    record(Kind.LOG_IN, person=bob)
    record(Kind.LOG_IN, person=bob)
    assert ActivityHead.objects.count() == 1
    raw: Callable[..., Any] = connection.cursor
    with raw() as cursor:
        cursor.execute("SELECT key FROM dispatch_activityhead")
        assert cursor.fetchone()[0].startswith("v1.")
