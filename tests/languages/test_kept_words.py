"""What is kept of a write is in English, and read in everybody's language."""

from __future__ import annotations

import uuid

import pytest

from dispatch.models import Action, Person, Seller
from dispatch.services.writes import ledger
from dispatch.services.writes.settling import NOT_DONE
from dispatch.spapi import SellingApiUnprocessableException
from dispatch.web.jobs.wording import said
from tests.languages import pseudo

pytestmark = pytest.mark.django_db
ENGLISH = "Amazon did not carry it out. It is safe to send it again."


@pytest.fixture
def action(bob: Person, seller: Seller) -> Action:
    return Action.objects.create(key=uuid.uuid4(), seller=seller, person=bob, kind="complete")


def test_our_own_words_are_kept_in_english_and_read_in_ones_language(
    in_pseudo: None, action: Action
) -> None:
    ledger.refuse_in_words(action, NOT_DONE)
    assert action.errors == [{"code": "", "message": ENGLISH}]
    assert said(action) == pseudo.accent(ENGLISH)


def test_amazons_words_stay_as_they_are(in_pseudo: None, action: Action) -> None:
    """Even where they are the same as ours."""
    ledger.refuse(
        action, SellingApiUnprocessableException([{"code": "InvalidInput", "message": ENGLISH}])
    )
    assert said(action) == ENGLISH
