"""Sealing of second factors: the secrets in the data that allauth keeps of them."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.db import transaction

from dispatch.models.keyring import keyring

PLACE = "mfa.Authenticator.data"
SECRETS = {
    str(Authenticator.Type.TOTP): "secret",
    str(Authenticator.Type.RECOVERY_CODES): "seed",
}
"""The key of the sealed value in the data of each type. A passkey keeps no secret here."""


def seal(text: str) -> str:
    """Encrypt the secret from which codes are made."""
    return keyring().seal(text, PLACE)


def unseal(sealed: str) -> str:
    """Decrypt the secret from which codes are made; raises `SealBroken`."""
    return keyring().open(sealed, PLACE)


def under_older_keys() -> list[int]:
    """Return the ids of the authenticators that are sealed by another key than the first."""
    mark = keyring().mark
    kept = Authenticator.objects.filter(type__in=SECRETS).values_list("pk", "type", "data")
    return [pk for pk, kind, data in kept if not data[SECRETS[kind]].startswith(mark)]


@transaction.atomic
def seal_again() -> int:
    """Seal every authenticator's secret with the first key; returns how many were written."""
    rows = Authenticator.objects.select_for_update().filter(pk__in=under_older_keys())
    for row in rows:
        place = SECRETS[row.type]
        row.data[place] = seal(unseal(row.data[place]))
        row.save(update_fields=["data"])
    return len(rows)
