"""Carries out a write while the person waits, or takes it in to be sent by the worker."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from dispatch.models import Action, Person, Seller, ServiceJob
from dispatch.services.amazon.documents import Document
from dispatch.services.writes import lanes, ledger, rights, sending, waiting
from dispatch.services.writes.kind import Kind, Payload
from dispatch.services.writes.ledger import Write


def carry_out(
    kind: Kind,
    *,
    person: Person,
    about: ServiceJob | Seller,
    key: uuid.UUID,
    payload: Payload,
    files: Sequence[Document] = (),
) -> Action:
    """Write to Amazon once for this key, and return the row with what Amazon said.

    ``about`` is the job, or the seller for a write about none; ``payload`` comes from the kind's
    own ``build``. A second submit with the same key waits for the first and returns its row. The
    job is read back, so that the page shows what Amazon has. Where other writes of the job wait
    for their turn, this one waits too, and its row is pending. Raises `rights.NotAllowed` and
    `ledger.KeyReused`.
    """
    write = _write(kind, person, about, key, payload)
    if write.job is not None and lanes.is_busy(write.job):
        return waiting.take_in(write, files)
    action, created = ledger.enter(write)
    if not created:
        ledger.wait_for(action)
        sending.read_back(action, interactive=True)
    elif ledger.claim(action):
        sending.send(action, files, interactive=True)
    return action


def take_in(
    kind: Kind,
    *,
    person: Person,
    about: ServiceJob | Seller,
    key: uuid.UUID,
    payload: Payload,
    files: Sequence[Document] = (),
) -> Action:
    """Keep a write and its files, and return its row at once: the worker sends it in its turn.

    Raises `rights.NotAllowed` and `ledger.KeyReused`.
    """
    return waiting.take_in(_write(kind, person, about, key, payload), files)


def _write(
    kind: Kind, person: Person, about: ServiceJob | Seller, key: uuid.UUID, payload: Payload
) -> Write:
    job = about if isinstance(about, ServiceJob) else None
    seller = about.seller if isinstance(about, ServiceJob) else about
    rights.require(person, seller, kind)
    return Write(kind, key, person, seller, payload, job)
