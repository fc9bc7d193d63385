from __future__ import annotations

import pytest

from dispatch.models import Activity, Person
from dispatch.services.access import accounts

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def change(person: Person, **changes: str) -> None:
    kept = {
        "name": person.name,
        "time_zone": person.time_zone,
        "theme": person.theme,
        "shortcuts": person.shortcuts,
    }
    accounts.change_settings(person=person, **{**kept, **changes})


def test_what_changed_is_kept_and_recorded_by_name(bob: Person) -> None:
    change(bob, time_zone="Europe/Berlin", theme="dark")
    bob.refresh_from_db()
    assert (bob.time_zone, bob.theme) == ("Europe/Berlin", "dark")
    recorded = Activity.objects.get(kind="settings_changed")
    assert (recorded.person_id, recorded.detail) == (bob.pk, {"fields": ["theme", "time_zone"]})


def test_nothing_changed_is_nothing_recorded(bob: Person) -> None:
    change(bob)
    assert not Activity.objects.filter(kind="settings_changed").exists()


def test_a_form_that_has_filled_the_person_already_hides_no_change(bob: Person) -> None:
    bob.name = "Robert"
    change(bob)
    assert Person.objects.get(pk=bob.pk).name == "Robert"
    assert Activity.objects.get(kind="settings_changed").detail == {"fields": ["name"]}


def test_a_theme_is_kept_for_this_person_alone(bob: Person, alice: Person) -> None:
    accounts.change_theme(person=bob, theme=Person.Theme.DARK)
    bob.refresh_from_db()
    alice.refresh_from_db()
    assert (bob.theme, alice.theme) == ("dark", "system")


def test_the_grace_is_used_once(bob: Person) -> None:
    assert [accounts.use_grace(person=bob) for _ in range(2)] == [True, False]
