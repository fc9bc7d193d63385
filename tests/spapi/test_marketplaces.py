"""The table of marketplaces."""

from __future__ import annotations

import pytest

from dispatch.spapi import SELLER_CENTRAL, Marketplaces


def test_every_marketplace_is_there():
    assert len(Marketplaces) == 23
    assert len({marketplace.marketplace_id for marketplace in Marketplaces}) == 23


@pytest.mark.parametrize(
    ("name", "host", "region"),
    [("US", "na", "us-east-1"), ("DE", "eu", "eu-west-1"), ("JP", "fe", "us-west-2")],
)
def test_each_has_its_region(name, host, region):
    marketplace = Marketplaces[name]
    assert marketplace.endpoint == f"https://sellingpartnerapi-{host}.amazon.com"
    assert marketplace.region == region


def test_regions_hold_the_right_number():
    regions = [marketplace.region for marketplace in Marketplaces]
    assert [regions.count(name) for name in ("us-east-1", "eu-west-1", "us-west-2")] == [4, 16, 3]


def test_great_britain_has_two_names():
    assert Marketplaces.GB is Marketplaces.UK
    assert Marketplaces["GB"].marketplace_id == "A1F83G8C2ARO7P"


def test_an_id_finds_its_marketplace():
    assert Marketplaces.by_id("A1PA6795UKMFR9") is Marketplaces.DE
    with pytest.raises(ValueError, match="NOWHERE"):
        Marketplaces.by_id("NOWHERE")


def test_seller_central_is_known_for_most():
    assert Marketplaces.US.seller_central == "sellercentral.amazon.com"
    assert Marketplaces.GB.seller_central == "sellercentral-europe.amazon.com"
    assert Marketplaces.EG.seller_central is None
    assert set(SELLER_CENTRAL) <= set(Marketplaces.__members__)
