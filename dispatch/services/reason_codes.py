"""The reason codes of a seller, which its owner keeps because Amazon lists none."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext

from dispatch.models import ReasonCode, Seller
from dispatch.services.audit import activity
from dispatch.services.errors import CannotBeDone


def add(*, seller: Seller, kind: ReasonCode.Kind, code: str, description: str) -> ReasonCode:
    """Put a reason code last in its list. Raises `CannotBeDone` when it is there already."""
    same = ReasonCode.objects.filter(seller=seller, kind=kind, marketplace_id=seller.marketplace_id)
    last = same.aggregate(last=Max("position"))["last"]
    try:
        with transaction.atomic():
            reason = same.create(
                seller=seller,
                kind=kind,
                marketplace_id=seller.marketplace_id,
                code=code,
                description=description,
                position=0 if last is None else last + 1,
            )
            _record(reason, "added")
    except IntegrityError:
        words = gettext("%(code)s is in the list already.")
        raise CannotBeDone(words % {"code": code}) from None
    return reason


def _record(reason: ReasonCode, change: str) -> None:
    activity.record(
        activity.Kind.REASONS_CHANGED,
        seller=reason.seller,
        change=change,
        list=reason.kind,
        reason=reason.code,
    )


@transaction.atomic
def describe(*, reason: ReasonCode, description: str) -> None:
    """Change what people read beside a reason code."""
    reason.description = description
    reason.save(update_fields=["description"])
    _record(reason, "described")


@transaction.atomic
def remove(*, reason: ReasonCode) -> None:
    """Take a reason code off its list."""
    reason.delete()
    _record(reason, "removed")


@transaction.atomic
def move(*, reason: ReasonCode, up: bool) -> None:
    """Move a reason code one place; at the end of the list nothing happens."""
    listed = list(
        ReasonCode.objects.select_for_update().filter(
            seller_id=reason.seller_id, kind=reason.kind, marketplace_id=reason.marketplace_id
        )
    )
    here = listed.index(reason)
    there = here - 1 if up else here + 1
    if 0 <= there < len(listed):
        listed[here], listed[there] = listed[there], listed[here]
    for position, one in enumerate(listed):
        one.position = position
    ReasonCode.objects.bulk_update(listed, ["position"])
    _record(reason, "moved")
