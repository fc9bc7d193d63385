"""A seller whose jobs are here."""

from __future__ import annotations

import pytest

from dispatch.models import Seller
from dispatch.services.mirror import sync
from tests.conftest import Amazon, MakeJob, run_due
from tests.services.mirror.world import (
    world,
)


@pytest.fixture
def loaded(seller: Seller, amazon: Amazon, make_job: MakeJob) -> Seller:
    """A seller with three jobs in the mirror."""
    world(amazon, make_job, 3)
    sync.start(seller)
    run_due()
    return Seller.objects.get(pk=seller.pk)
