"""Proves that the log of activity is whole, and removes rows that are kept no longer.

The proof needs no trust in the database. One thing it cannot know alone: whether the whole log and
its head were put back to an earlier state together. For that the head is written to the host's log
every day, and `verify` takes a head that somebody kept elsewhere.
"""

from __future__ import annotations

import datetime as dt
import hmac
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from dispatch.models import Activity, ActivityHead
from dispatch.models.activity import BEFORE_THE_FIRST, COLUMNS, last_number, row_hash
from dispatch.models.keyring import SealBroken
from dispatch.services.audit import activity

log = logging.getLogger(__name__)

KEPT = dt.timedelta(days=400)
"""How long rows are kept. Amazon's policy asks for twelve months; the rest is time to review."""
ROWS_AT_ONCE = 2_000


class Broken(Exception):
    """The log is not as it was written. The sentence names the first wrong row."""


@dataclass(frozen=True, slots=True)
class Proof:
    """How many rows were verified, and the head: ``<number>:<hash>``, to be kept elsewhere."""

    rows: int
    head: str


def verify(kept_head: str = "") -> Proof:
    """Go through the whole chain; raises `Broken` at the first thing that is wrong.

    Others may add rows meanwhile: only the last few are read while they wait. ``kept_head`` is a
    head from an earlier proof, which must still be in the chain.
    """
    begun = _head()
    try:
        return _verify(begun, kept_head)
    except Broken:
        # Rows that were pruned under our eyes are no damage.
        head = _head()
        if head is None or begun is None or head.anchor_number == begun.anchor_number:
            raise
        return _verify(head, kept_head)


def _head() -> ActivityHead | None:
    return ActivityHead.objects.filter(pk=ActivityHead.ONLY).first()


def _verify(head: ActivityHead | None, kept_head: str) -> Proof:
    if head is None:
        return _verify_nothing(kept_head)
    _check_seal(head)
    kept_number, kept_hash = _read_head(kept_head)
    if kept_head and kept_number <= head.anchor_number:
        _check_anchor(head, kept_number, kept_hash)
    if Activity.objects.filter(number__lte=head.anchor_number).exists():
        words = gettext("There are rows before row %(number)s, the first of the chain.")
        raise Broken(words % {"number": head.anchor_number + 1})
    chain = _Chain(head.key, head.anchor_number, head.anchor_hash, {kept_number: kept_hash})
    while chain.follow(_rows_after(chain.number)) == ROWS_AT_ONCE:
        pass
    with transaction.atomic():
        head = ActivityHead.objects.select_for_update().get(pk=ActivityHead.ONLY)
        _check_seal(head)
        while chain.follow(_rows_after(chain.number)):
            pass
        chain.require_end(head)
    if kept_head and kept_number > head.number:
        words = gettext("Row %(number)s was there once; the log ends with row %(last)s now.")
        raise Broken(words % {"number": kept_number, "last": head.number})
    return Proof(head.number - head.anchor_number, str(head))


def _verify_nothing(kept_head: str) -> Proof:
    if kept_head or last_number():
        raise Broken(gettext("The head of the log is missing: it was removed."))
    return Proof(0, f"0:{BEFORE_THE_FIRST}")


def _read_head(text: str) -> tuple[int, str]:
    number, _, digits = text.strip().partition(":")
    if text and not (number.isdecimal() and len(digits) == len(BEFORE_THE_FIRST)):
        raise Broken(gettext("A head is a number, a colon and 64 digits."))
    return int(number or 0), digits or BEFORE_THE_FIRST


def _check_anchor(head: ActivityHead, number: int, kept: str) -> None:
    if number < head.anchor_number:
        words = gettext("Row %(number)s is older than what is kept: give a younger head.")
        raise Broken(words % {"number": number})
    if kept != head.anchor_hash:
        words = gettext("Row %(number)s is not the one of the head that was kept.")
        raise Broken(words % {"number": number})


def _check_seal(head: ActivityHead) -> None:
    try:
        whole = hmac.compare_digest(head.seal, head.true_seal())
    except (SealBroken, ValueError):
        raise Broken(
            gettext("The log's key does not open with FIELD_KEYS: it was changed.")
        ) from None
    if not whole:
        raise Broken(gettext("The head of the log was changed."))


def _rows_after(number: int) -> Iterator[tuple[Any, ...]]:
    rows = Activity.objects.filter(number__gt=number).order_by("number")
    return iter(rows.values_list(*COLUMNS, "hash")[:ROWS_AT_ONCE])


@dataclass(slots=True)
class _Chain:
    """How far the chain was followed; ``kept`` are hashes, by number, that rows must still have."""

    key: str
    number: int
    hash: str
    kept: dict[int, str]

    def follow(self, rows: Iterator[tuple[Any, ...]]) -> int:
        """Check the next rows of the chain; returns how many there were, raises `Broken`."""
        count = 0
        for *values, found in rows:
            count += 1
            self._step(tuple(values), found)
        return count

    def _step(self, values: tuple[Any, ...], found: str) -> None:
        number = values[0]
        if number != self.number + 1:
            words = gettext("Row %(number)s is missing: it was removed.")
            raise Broken(words % {"number": self.number + 1})
        true = row_hash(self.key, self.hash, values)
        if not hmac.compare_digest(found, true):
            words = gettext("Row %(number)s is not the one that was written there.")
            raise Broken(words % {"number": number})
        if self.kept.get(number, true) != true:
            words = gettext("Row %(number)s is not the one of the head that was kept.")
            raise Broken(words % {"number": number})
        self.number, self.hash = number, true

    def require_end(self, head: ActivityHead) -> None:
        if self.number < head.number:
            words = gettext("Row %(number)s is missing: the newest rows were removed.")
            raise Broken(words % {"number": self.number + 1})
        if self.number > head.number:
            beyond = head.number + 1
            words = gettext("Row %(number)s lies beyond the end of the log: the head was put back.")
            raise Broken(words % {"number": beyond})


@transaction.atomic
def prune(now: dt.datetime) -> int:
    """Remove rows older than `KEPT` and begin the chain behind them; returns how many.

    It stops at the first row that is younger, so the chain loses only its beginning.
    """
    head = ActivityHead.locked()
    old = Activity.objects.filter(at__lt=now - KEPT)
    young = Activity.objects.filter(at__gte=now - KEPT).order_by("number")
    first_kept = young.values_list("number", flat=True).first()
    if first_kept is not None:
        old = old.filter(number__lt=first_kept)
    last = old.order_by("-number").first()
    if last is None:
        return 0
    count, _ = Activity.objects.filter(number__lte=last.number).delete()
    head.anchor_number, head.anchor_hash = last.number, last.hash
    head.save_sealed()
    activity.record(activity.Kind.PRUNED, rows=count, through=last.number)
    return count


def note_head() -> None:
    """Write the head to the host's log, which is kept where the database's users do not write."""
    if head := _head():
        log.info("activity head=%s", head)
