"""What a person sets for their own account, and the one log-in without a second factor."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from dispatch.models import Person
from dispatch.services.audit import activity


@transaction.atomic
def change_settings(
    *, person: Person, name: str, time_zone: str, theme: str, shortcuts: bool
) -> None:
    """Keep what a person set for themselves, and record which of it changed."""
    wanted = {"name": name, "time_zone": time_zone, "theme": theme, "shortcuts": shortcuts}
    kept = Person.objects.filter(pk=person.pk)
    before = kept.values(*wanted).get()
    changed = {field: value for field, value in wanted.items() if value != before[field]}
    if changed:
        kept.update(**changed)
        activity.record(activity.Kind.SETTINGS_CHANGED, person=person, fields=list(changed))


def change_theme(*, person: Person, theme: Person.Theme) -> None:
    """Keep the theme that a person chose beside the page, which is no change worth recording."""
    Person.objects.filter(pk=person.pk).update(theme=theme)


def use_grace(*, person: Person) -> bool:
    """Use up the one log-in that a person has without a second factor; False when it was used."""
    unused = Person.objects.filter(pk=person.pk, second_factor_asked_at=None)
    # One conditional update: of two log-ins at the same time, one is let through.
    return bool(unused.update(second_factor_asked_at=timezone.now()))
