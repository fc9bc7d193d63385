"""Sends a claimed write and sees it through: Amazon's answer, what became of it, the job after."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from dispatch.models import Action
from dispatch.models.keyring import SealBroken
from dispatch.services.amazon.client import FAULTS, state_after
from dispatch.services.amazon.documents import Document, UploadFailed
from dispatch.services.amazon.words import in_words
from dispatch.services.mirror import one_job
from dispatch.services.writes import ledger, settling
from dispatch.spapi import (
    AuthorizationError,
    MissingCredentials,
    SellingApiConnectionException,
    SellingApiException,
    SellingApiOutcomeUnknown,
    SellingApiRequestThrottledException,
    SellingApiUnauthorizedException,
)

log = logging.getLogger(__name__)


def send(action: Action, files: Sequence[Document] = (), *, interactive: bool) -> None:
    """Send a claimed write; its row says afterwards what became of it.

    ``interactive`` marks a waiting person, who goes before background work.
    """
    try:
        ledger.send(action, files, interactive=interactive)
    except FAULTS as error:
        _keep_fault(action, error)
    if action.state == Action.State.UNKNOWN:
        settling.settle_alone(action, interactive=interactive)
    read_back(action, interactive=interactive)


def read_back(action: Action, *, interactive: bool) -> None:
    """Read the job of a settled write again, so that pages show what Amazon has."""
    if not action.settled or action.job is None:
        return
    try:
        one_job.refresh_job(action.job, interactive=interactive)
    except FAULTS as error:
        # The write stands; the next sync brings the job.
        log.warning("job of action %s not read back: %s", action.pk, in_words(error))


def _keep_fault(action: Action, error: Exception) -> None:
    """Decide what a fault says of a write: unknown, to be sent again later, or refused."""
    waits = action.turn is not None
    if isinstance(error, SellingApiOutcomeUnknown) or (waits and _has_no_answer(error)):
        ledger.doubt(action, **ledger.said(error))
    elif waits and _says_nothing_of_it(error):
        ledger.put_back(action, error)
    else:
        ledger.refuse(action, error)


def _has_no_answer(error: Exception) -> bool:
    """Tell whether Amazon failed while it may have been at work."""
    return isinstance(error, SellingApiException) and error.code >= 500


def _says_nothing_of_it(error: Exception) -> bool:
    """Tell whether nothing happened, and a later try may well succeed."""
    return isinstance(error, _NOT_HEARD) or state_after(error) is not None


_NOT_HEARD = (
    AuthorizationError,
    MissingCredentials,
    SealBroken,
    SellingApiConnectionException,
    SellingApiRequestThrottledException,
    SellingApiUnauthorizedException,
    UploadFailed,
)
