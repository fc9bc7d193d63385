from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils import timezone

from dispatch.models import PastPassword, Person
from dispatch.services.access import passwords

pytestmark = pytest.mark.django_db
GOOD = "Quiet-Harbour-41"


@pytest.fixture
def zoe() -> Person:
    return Person.objects.create_user(
        "zoe.lindqvist@northlight.example", GOOD, name="Zoë Lindqvist"
    )


@pytest.mark.parametrize(
    "password", ["Tall-Grass-And-7-Crows", "Ærø-Bridge-2026", "aB3 aB3 aB3 aB3"]
)
def test_a_good_password_is_taken(zoe: Person, password: str) -> None:
    validate_password(password, zoe)


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("Sh0rt-one!!", "too short"),
        ("quiet-harbour-41", "capital"),
        ("QUIET-HARBOUR-41", "small letter"),
        ("Quiet-Harbour-xx", "digit"),
        ("QuietHarbour4141", "another sign"),
        ("My-Zoe-Harbour-41", "part of your name"),
        ("My-ZOË-Harbour-41", "part of your name"),
        ("xx-Lindqvist-41-Q", "part of your name"),
        ("In-Northlight-41-Q", "part of your name"),
        ("", "too short"),
        ("P@ssw0rd", "too common"),
    ],
)
def test_a_bad_one_is_refused_in_words(zoe: Person, password: str, words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        validate_password(password, zoe)
    assert any(words in message for message in refused.value.messages), refused.value.messages


def test_the_last_ten_are_refused_and_the_eleventh_is_not(zoe: Person) -> None:
    used = [GOOD, *(f"Quiet-Harbour-{number}" for number in range(50, 60))]
    for password in used[1:]:
        zoe.set_password(password)
        zoe.save()
    validate_password(used[0], zoe)
    for password in used[1:]:
        with pytest.raises(ValidationError, match="last 10"):
            validate_password(password, zoe)
    assert PastPassword.objects.filter(person=zoe).count() == 10


def test_no_password_is_kept_in_clear(zoe: Person) -> None:
    assert GOOD not in PastPassword.objects.get().password


def test_another_person_s_password_is_no_matter(zoe: Person) -> None:
    validate_password(GOOD, Person.objects.create_user("b@example.com", "x", name="Bo"))


def test_a_password_is_due_after_a_year(zoe: Person) -> None:
    zoe.refresh_from_db()
    assert not passwords.is_due(zoe)
    with time_machine.travel(timezone.now() + dt.timedelta(days=366)):
        assert passwords.is_due(zoe)
        zoe.set_password("Quiet-Harbour-42")
        assert not passwords.is_due(zoe)


def test_one_from_before_dates_were_kept_counts_from_the_account(zoe: Person) -> None:
    Person.objects.update(password_changed_at=None, created_at=timezone.now() - dt.timedelta(400))
    zoe.refresh_from_db()
    assert passwords.is_due(zoe)
