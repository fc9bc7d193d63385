"""What a password must be, as validators of Django's ``AUTH_PASSWORD_VALIDATORS``.

Amazon's Data Protection Policy: 12 characters, four classes, nothing of the user name, changed
within 365 days, the last 10 remembered.
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
    """Whether a person has to choose a new password at this log-in."""
    changed = person.password_changed_at or person.created_at
    return timezone.now() - changed > GOOD_FOR


class FourClasses:
    """Small and capital letters, digits and other signs."""

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
    """Nothing of the person's name or e-mail address, in any case, with or without accents."""

    def validate(self, password: str, user: Person | None = None) -> None:
        plain = _plain(password)
        if user is not None and any(part in plain for part in _parts(user)):
            raise ValidationError(
                gettext("It holds a part of your name or e-mail address."), "password_holds_name"
            )

    def get_help_text(self) -> str:
        return gettext("No part of your name or e-mail address.")


class NotUsedBefore:
    """None of the last ten; Django tells it of every password that is set."""

    def validate(self, password: str, user: Person | None = None) -> None:
        if user is None or user.pk is None:
            return
        used = _remembered(user).values_list("password", flat=True)
        if any(check_password(password, past) for past in used):
            words = gettext("It is one of your last %(count)s passwords.") % {"count": REMEMBERED}
            raise ValidationError(words, "password_used_before")

    def password_changed(self, password: str, user: Person | None = None) -> None:
        """Remember the new password's hash, and forget those before the last ten."""
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
    """The words of name and address that are long enough to be a part; endings of hosts are not."""
    local, _, host = person.email.partition("@")
    words = re.split(r"[\W_\d]+", _plain(f"{person.name} {local} {host.rpartition('.')[0]}"))
    return {word for word in words if len(word) >= SHORTEST_PART}


def _plain(text: str) -> str:
    """Without case and accents."""
    split = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in split if not unicodedata.combining(sign))
