"""Alarms: raised once for what is unusual, told once to who owns it, gone when looked at."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from dispatch.models import Activity, ActivityHead, Alarm, Membership, Person, Seller
from dispatch.services.audit import activity, alarm_words, alarms, evidence
from dispatch.services.audit.activity import Kind, record
from tests.conftest import NOW, PLANTED, US

pytestmark = [pytest.mark.django_db, pytest.mark.database]

DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as travel:
        yield travel


def raised() -> list[str]:
    return list(Alarm.objects.order_by("pk").values_list("kind", flat=True))


def take(person: Person, seller: Seller, count: int) -> None:
    record(Kind.EXPORTED, person=person, seller=seller, what="jobs", rows=count, buyers=True)


# --- Volume -----------------------------------------------------------------------------------


def test_much_at_once_is_an_alarm_once_a_day(bob: Person, seller: Seller, clock: Any) -> None:
    take(bob, seller, 999)
    assert alarms.look(NOW) == 0
    for _ in range(1):
        record(Kind.BUYER_DATA_OPENED, person=bob, seller=seller, subject="JOB-1")
    assert alarms.look(NOW) == 1
    assert alarms.look(NOW) == 0
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.person, alarm.seller, alarm.count) == ("volume", bob, seller, 1000)
    assert alarm_words.title(alarm) == "Bob took an unusual amount of buyer data of Northlight US"
    assert "1,000 buyers" in alarm_words.text(alarm)
    clock.shift(2 * DAY)
    assert alarms.look(NOW + 2 * DAY) == 0


def a_month_of(person: Person, seller: Seller, clock: Any, a_day: int, days: int = 20) -> None:
    for back in range(days, 0, -1):
        clock.move_to(NOW - back * DAY - dt.timedelta(hours=1))
        take(person, seller, a_day)
    clock.move_to(NOW)


@pytest.mark.parametrize(("today", "alarm"), [(100, 0), (101, 1)])
def test_far_above_ones_own_usual_is_an_alarm(
    bob: Person, seller: Seller, clock: Any, today: int, alarm: int
) -> None:
    a_month_of(bob, seller, clock, 20)
    take(bob, seller, today)
    assert alarms.look(NOW) == alarm


def test_few_is_never_unusual(bob: Person, seller: Seller, clock: Any) -> None:
    a_month_of(bob, seller, clock, 1)
    take(bob, seller, 49)
    assert alarms.look(NOW) == 0
    take(bob, seller, 1)
    assert alarms.look(NOW) == 1


def test_who_is_new_has_no_usual_yet(bob: Person, seller: Seller, clock: Any) -> None:
    a_month_of(bob, seller, clock, 1, days=4)
    take(bob, seller, 900)
    assert alarms.look(NOW) == 0


def test_an_export_without_buyers_takes_nothing(bob: Person, seller: Seller) -> None:
    record(Kind.EXPORTED, person=bob, seller=seller, what="jobs", rows=5000, buyers=False)
    record(Kind.EXPORTED, person=bob, seller=seller, what="activity", rows=5000)
    assert alarms.look(NOW) == 0


# --- Failures ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "expected"), [(4, []), (5, ["failures"])])
def test_failures_of_one_account(
    bob: Person, seller: Seller, count: int, expected: list[str]
) -> None:
    for number in range(count):
        record(Kind.LOG_IN_FAILED if number % 2 else Kind.SECOND_FACTOR_FAILED, person=bob)
    alarms.look(NOW)
    alarms.look(NOW)
    assert raised() == expected


def test_failures_of_many(seller: Seller) -> None:
    for number in range(30):
        assert alarms.look(NOW) == 0
        record(Kind.LOG_IN_FAILED, subject=activity.unknown_account(f"{number}@example.com"))
    assert alarms.look(NOW) == 1
    assert raised() == ["many_failures"]


def test_failures_long_ago_are_none(bob: Person, seller: Seller) -> None:
    for _ in range(9):
        record(Kind.LOG_IN_FAILED, person=bob)
    assert alarms.look(NOW + dt.timedelta(hours=2)) == 0


def test_amazon_refuses_again_and_again(bob: Person, seller: Seller) -> None:
    for _ in range(2):
        record(Kind.WRITE, person=bob, seller=seller, state="refused", status=403)
        record(Kind.WRITE, person=bob, seller=seller, state="refused", status=422)
    assert alarms.look(NOW) == 0
    record(Kind.WRITE, person=bob, seller=seller, state="refused", status=403)
    assert alarms.look(NOW) == 1
    assert raised() == ["amazon_refuses"]


@pytest.mark.parametrize(("state", "expected"), [("no_role", 1), ("revoked", 1), ("connected", 0)])
def test_what_amazon_says_of_the_credentials(seller: Seller, state: str, expected: int) -> None:
    record(Kind.CONNECTION_CHANGED, seller=seller, state=state)
    assert alarms.look(NOW) == expected


def test_a_seller_that_is_gone_raises_nothing(alice: Person) -> None:
    gone = Seller.objects.create(owner=alice, name="Gone", marketplace_id=US)
    record(Kind.CONNECTION_CHANGED, seller=gone, state="revoked")
    gone.delete()
    assert alarms.look(NOW) == 0


# --- What runs out ----------------------------------------------------------------------------


def age(seller: Seller, **since: int) -> None:
    for name, days in since.items():
        Seller.objects.filter(pk=seller.pk).update(**{name: NOW - days * DAY})


@pytest.mark.parametrize(
    ("field", "days", "expected"),
    [
        ("secret_rotated_at", 89, 0),
        ("secret_rotated_at", 90, 1),
        ("secret_rotated_at", 166, 1),
        ("secret_rotated_at", 200, 1),
        ("authorised_at", 334, 0),
        ("authorised_at", 335, 1),
        ("authorised_at", 400, 1),
    ],
)
def test_credentials_about_to_expire(seller: Seller, field: str, days: int, expected: int) -> None:
    age(seller, **{field: days})
    assert alarms.look(NOW) == expected
    assert alarms.look(NOW) == 0


def test_it_is_said_again_when_it_is_urgent_and_only_then(seller: Seller) -> None:
    age(seller, secret_rotated_at=90)
    told = [alarms.look(NOW + day * DAY) for day in range(100)]
    assert [day for day, count in enumerate(told) if count] == [0, 76]
    assert Alarm.objects.filter(acknowledged_at=None).count() == 1
    alarm = Alarm.objects.filter(acknowledged_at=None).get()
    assert (
        alarm_words.title(alarm) == "The client secret of Northlight US expires on 22 February 2027"
    )


def test_what_is_mended_is_closed_by_itself(seller: Seller) -> None:
    age(seller, secret_rotated_at=170, authorised_at=350)
    assert alarms.look(NOW) == 2
    age(seller, secret_rotated_at=0, authorised_at=0)
    assert alarms.look(NOW) == 0
    assert not Alarm.objects.filter(acknowledged_at=None).exists()
    assert set(Alarm.objects.values_list("acknowledged_by", flat=True)) == {None}


def test_a_disconnected_seller_has_nothing_to_lose(seller: Seller) -> None:
    age(seller, secret_rotated_at=170)
    Seller.objects.update(state=Seller.State.DISCONNECTED)
    assert alarms.look(NOW) == 0


# --- The log ----------------------------------------------------------------------------------


def test_a_broken_log_is_an_alarm_with_its_place(bob: Person, seller: Seller) -> None:
    for _ in range(3):
        record(Kind.LOG_IN, person=bob)
    Activity.objects.filter(number=2).update(origin="elsewhere")
    assert alarms.look(NOW) == 1
    assert raised() == ["log_broken"]
    assert "Row 2 is not the one" in alarm_words.text(Alarm.objects.get())
    assert alarms.look(NOW) == 0


def test_the_log_is_verified_once_a_day(
    bob: Person, seller: Seller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    looked: list[dt.datetime] = []
    true = evidence.verify

    def verify() -> Any:
        looked.append(dt.datetime.now(dt.UTC))
        return true()

    monkeypatch.setattr(evidence, "verify", verify)
    record(Kind.LOG_IN, person=bob)
    for hours in (0, 1, 23, 25, 26):
        alarms.look(NOW + dt.timedelta(hours=hours))
    assert len(looked) == 2
    assert caplog.text.count("activity head=1:") == 2


def test_a_check_put_off_to_the_far_future_is_done_all_the_same(bob: Person) -> None:
    record(Kind.LOG_IN, person=bob)
    ActivityHead.objects.update(checked_at=NOW + 9999 * DAY)
    Activity.objects.update(kind="log_in_failed")
    assert alarms.look(NOW) == 1


def test_a_log_whose_key_does_not_open_is_an_alarm(bob: Person, settings: Any) -> None:
    record(Kind.LOG_IN, person=bob)
    settings.FIELD_KEYS = (b"x" * 32,)
    assert alarms.look(NOW) == 1
    assert raised() == ["log_broken"]


def test_old_rows_are_let_go_of(bob: Person) -> None:
    record(Kind.LOG_IN, person=bob)
    alarms.look(NOW + evidence.KEPT + DAY)
    assert list(Activity.objects.values_list("kind", flat=True)) == ["pruned"]


# --- Told once --------------------------------------------------------------------------------


def test_the_owners_get_one_mail_and_nobody_else(
    people: dict[str, Person], seller: Seller, charlie: Person
) -> None:
    other = Seller.objects.create(owner=charlie, name="Theirs", marketplace_id=US)
    Membership.objects.create(person=charlie, seller=other, role="owner")
    take(people["bob"], seller, 2000)
    for _ in range(3):
        alarms.look(NOW)
    (letter,) = mail.outbox
    assert letter.recipients() == ["alice@dispatch.example"]
    assert letter.subject == "[Dispatch] Bob took an unusual amount of buyer data of Northlight US"
    assert "2,000 buyers" in letter.body
    assert not [text for text in PLANTED if text in letter.body]


def test_what_concerns_everybody_is_told_to_every_owner_without_naming_them(
    seller: Seller, charlie: Person
) -> None:
    other = Seller.objects.create(owner=charlie, name="Theirs", marketplace_id=US)
    Membership.objects.create(person=charlie, seller=other, role="owner")
    for _ in range(30):
        record(Kind.LOG_IN_FAILED)
    alarms.look(NOW)
    (letter,) = mail.outbox
    assert letter.recipients() == ["alice@dispatch.example", "charlie@dispatch.example"]
    assert not letter.to
    assert "charlie" not in str(letter.message())


def test_a_mail_that_cannot_be_sent_is_sent_later(
    bob: Person, seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> int:
        raise ConnectionRefusedError

    take(bob, seller, 2000)
    with monkeypatch.context() as broken:
        broken.setattr(EmailBackend, "send_messages", refuse)
        assert alarms.look(NOW) == 1
    assert Alarm.objects.get().mailed_at is None
    alarms.look(NOW)
    assert len(mail.outbox) == 1


def test_who_left_is_not_told(bob: Person, seller: Seller, alice: Person) -> None:
    Person.objects.filter(pk=alice.pk).update(is_active=False)
    take(bob, seller, 2000)
    alarms.look(NOW)
    assert mail.outbox == []


def test_an_alarm_and_who_looked_are_in_the_log(
    bob: Person, seller: Seller, alice: Person, people: dict[str, Person]
) -> None:
    take(bob, seller, 2000)
    alarms.look(NOW)
    alarm = Alarm.objects.get()
    for person in (alice, people["tom"]):
        alarms.acknowledge(alarm=alarm, person=person, now=NOW)
    rows = list(Activity.objects.order_by("number"))[1:]
    assert [row.kind for row in rows] == ["alarm", "alarm_acknowledged"]
    assert (rows[0].subject, rows[0].detail) == (bob.email, {"alarm": "volume", "count": 2000})
    assert rows[1].person_id == alice.pk
    alarm.refresh_from_db()
    assert (alarm.acknowledged_by, alarm.acknowledged_at) == (alice, NOW)


def test_an_alarm_without_its_person_can_still_be_read(bob: Person, seller: Seller) -> None:
    take(bob, seller, 2000)
    for _ in range(5):
        record(Kind.LOG_IN_FAILED, person=bob)
    alarms.look(NOW)
    bob.delete()
    words = {alarm_words.title(alarm) for alarm in Alarm.objects.all()}
    assert words == {
        "Somebody took an unusual amount of buyer data of Northlight US",
        "Log-ins as somebody fail again and again",
    }


def test_every_kind_has_words() -> None:
    for kind in Alarm.Kind:
        alarm = Alarm(kind=kind, count=1, due_at=NOW, finding="Row 1.", seller=Seller(name="S"))
        assert alarm_words.title(alarm) != kind
        assert alarm_words.text(alarm)
