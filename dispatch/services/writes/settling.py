"""Finds out what became of writes that a lost answer or a dead process left open.

A write is accepted as soon as Amazon shows it. It is taken as not done when Amazon still does not
show it `SETTLE_AFTER` the answer was lost. Nothing is ever sent to find out.
"""

from __future__ import annotations

import datetime as dt
import logging
import uuid

from django.db import DatabaseError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from dispatch.models import Action
from dispatch.services.amazon.client import FAULTS
from dispatch.services.amazon.words import in_words
from dispatch.services.writes import lanes, ledger
from dispatch.services.writes.kind import ReadBack
from dispatch.services.writes.kinds import kind_of

log = logging.getLogger(__name__)

SETTLE_AFTER = dt.timedelta(seconds=30)
"""How long Amazon may take, after the answer was lost, to show a write; then it did not happen."""
ABANDONED_AFTER = dt.timedelta(minutes=3)
"""A row still waiting after this belonged to a process that died.

The longest call takes less: 20 s for the token's lock, 50 s for the token, 2 s for the rate plan,
55 s for all attempts.
"""


def settle_open() -> int:
    """Settle what a lost answer or a dead process left open; returns how many are settled now."""
    now = timezone.now()
    lost = Q(state=Action.State.UNKNOWN) | Q(
        state=Action.State.SENT, sent_at__lt=now - ABANDONED_AFTER
    )
    settled = _give_up(now)
    silent: set[uuid.UUID] = set()
    for action in Action.objects.filter(lost).select_related("job__seller", "seller"):
        # Where Amazon just did not answer for a seller, its other rows do not wait for it too.
        if action.seller_id in silent:
            continue
        found = settle_alone(action, interactive=False)
        settled += found is True
        if found is None:
            silent.add(action.seller_id)
    return settled


@transaction.atomic
def _give_up(now: dt.datetime) -> int:
    """Refuse what was never sent, before anybody still sends it; returns how many.

    What waits for its turn is not meant: that may take its time.
    """
    never_sent = Action.objects.filter(
        state=Action.State.PENDING, turn=None, created_at__lt=now - ABANDONED_AFTER
    )
    # Locked: a process that is only slow, not dead, may be about to claim one.
    abandoned = list(never_sent.select_for_update())
    for action in abandoned:
        ledger.refuse_in_words(action, NEVER_SENT)
    return len(abandoned)


def settle_alone(action: Action, *, interactive: bool) -> bool | None:
    """Settle one row on which no other hangs; None where Amazon did not say."""
    try:
        return settle(action, interactive=interactive)
    except FAULTS as error:
        log.warning("action %s cannot be settled yet: %s", action.pk, in_words(error))
        return None
    except DatabaseError:
        raise
    except Exception:
        log.exception("action %s broke the settling", action.pk)
        return False


def settle(action: Action, *, interactive: bool) -> bool:
    """Read back and decide what became of a write without an answer; False if it stays unknown.

    Raises one of `client.FAULTS` where Amazon does not say.
    """
    back = ReadBack(action.seller, action.job, interactive)
    if _is_shown(action, back):
        ledger.accept_as_shown(action, back)
        return True
    if action.sent_at and action.sent_at < timezone.now() - SETTLE_AFTER:
        _conclude(action)
        return True
    return False


def _is_shown(action: Action, back: ReadBack) -> bool:
    """Tell whether Amazon shows the write now; its job is read in any case."""
    kind = kind_of(action.kind)
    back.read()
    return kind.shown is not None and kind.shown(back, lanes.up_to_date(action))


def _conclude(action: Action) -> None:
    """Keep that Amazon does not show the write, and will not any more.

    One that waits for its turn is sent again by the worker where that is harmless.
    """
    kind = kind_of(action.kind)
    safe = kind.shown is not None or kind.repeat_is_harmless
    if action.turn is not None and safe:
        ledger.put_back(action)
    elif kind.shown is not None:
        ledger.refuse_in_words(action, NOT_DONE)
    else:
        ledger.refuse_in_words(action, REPLACES if safe else LOOK_FIRST)


NOT_DONE = _("Amazon did not carry it out. It is safe to send it again.")
REPLACES = _(
    "Amazon does not show whether it arrived. It is safe to send it again: "
    "it replaces what was sent before."
)
LOOK_FIRST = _(
    "Amazon does not show whether it arrived. Look at the technician’s time at Amazon "
    "before you send it again."
)
NEVER_SENT = _("It was never sent. It is safe to send it again.")
