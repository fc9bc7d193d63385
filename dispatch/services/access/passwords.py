"""What a password must be, as validators for Django's ``AUTH_PASSWORD_VALIDATORS``.

Amazon's Data Protection Policy asks for 12 characters of four classes, with nothing of the user's
name, changed within 365 days and none of the last 10. Django itself checks the length.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata

from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from dispatch.models import PastPassword, Person

GOOD_FOR = dt.timedelta(days=365)
REMEMBERED = 10
SHORTEST_PART = 3
CLASSES = (
    (_("a small letter"), str.islower),
    (_("a capital letter"), str.isupper),
    (_("a digit"), str.isdigit),
)


def is_due(person: Person) -> bool:
    """Return True when a person's password is older than a year, so they must choose a new one."""
    changed = person.password_changed_at or person.created_at
    return timezone.now() - changed > GOOD_FOR


class FourClasses:
    """Demands small and capital letters, digits and other signs."""

    def validate(self, password: str, user: Person | None = None) -> None:
        missing = [str(words) for words, holds in CLASSES if not any(map(holds, password))]
        if all(sign.isalnum() for sign in password):
            missing.append(gettext("another sign, such as - or !"))
        if missing:
            words = gettext("Add %(signs)s.") % {"signs": gettext(" and ").join(missing)}
            raise ValidationError(words, "password_classes")

    def get_help_text(self) -> str:
        return gettext("Small and capital letters, digits and other signs.")


class NoPartOfTheName:
    """Refuses a part of the person's name or e-mail address, whatever its case and accents."""

    def validate(self, password: str, user: Person | None = None) -> None:
        plain = _plain(password)
        if user is not None and any(part in plain for part in _parts(user)):
            raise ValidationError(
                gettext("It contains a part of your name or e-mail address."), "password_holds_name"
            )

    def get_help_text(self) -> str:
        return gettext("No part of your name or e-mail address.")


class NotUsedBefore:
    """Refuses the last ten passwords. Django calls `password_changed` whenever one is set."""

    def validate(self, password: str, user: Person | None = None) -> None:
        if user is None or user.pk is None:
            return
        used = _remembered(user).values_list("password", flat=True)
        if any(check_password(password, past) for past in used):
            words = gettext("It is one of your last %(count)s passwords.") % {"count": REMEMBERED}
            raise ValidationError(words, "password_used_before")

    def password_changed(self, password: str, user: Person | None = None) -> None:
        """Remember the new password's hash, and forget all hashes but the last ten."""
        if user is None or user.pk is None:
            return
        PastPassword.objects.create(person=user, password=user.password)
        kept = list(_remembered(user).values_list("pk", flat=True))
        PastPassword.objects.filter(person=user).exclude(pk__in=kept).delete()

    def get_help_text(self) -> str:
        return gettext("None of your last %(count)s passwords.") % {"count": REMEMBERED}


def _remembered(person: Person) -> QuerySet[PastPassword]:
    return PastPassword.objects.filter(person=person).order_by("-created_at", "-pk")[:REMEMBERED]


def _parts(person: Person) -> set[str]:
    """Return the words of name and address that a password must not hold.

    Words of fewer than three letters would refuse too much, and so would the ending of a host.
    """
    local, _, host = person.email.partition("@")
    words = re.split(r"[\W_\d]+", _plain(f"{person.name} {local} {host.rpartition('.')[0]}"))
    return {word for word in words if len(word) >= SHORTEST_PART}


def _plain(text: str) -> str:
    """Return a text without its case and accents."""
    split = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in split if not unicodedata.combining(sign))
