"""Amazon's marketplaces: where their API lives and where their sellers log in.

Source: Amazon's pages "Marketplace IDs" and "SP-API endpoints".
"""

from __future__ import annotations

from enum import Enum
from typing import Final, Protocol


class Marketplace(Protocol):
    """What the client needs of a marketplace: any object with these attributes will do."""

    @property
    def endpoint(self) -> str: ...
    @property
    def marketplace_id(self) -> str: ...
    @property
    def region(self) -> str: ...


_NORTH_AMERICA: Final = ("https://sellingpartnerapi-na.amazon.com", "us-east-1")
_EUROPE: Final = ("https://sellingpartnerapi-eu.amazon.com", "eu-west-1")
_FAR_EAST: Final = ("https://sellingpartnerapi-fe.amazon.com", "us-west-2")


class Marketplaces(Enum):
    """Every marketplace, by country code: ``Marketplaces.US.marketplace_id``."""

    CA = ("A2EUQ1WTGCTBG2", _NORTH_AMERICA)
    US = ("ATVPDKIKX0DER", _NORTH_AMERICA)
    MX = ("A1AM78C64UM0Y8", _NORTH_AMERICA)
    BR = ("A2Q3Y263D00KWC", _NORTH_AMERICA)
    IE = ("A28R8C7NBKEWEA", _EUROPE)
    ES = ("A1RKKUPIHCS9HS", _EUROPE)
    UK = ("A1F83G8C2ARO7P", _EUROPE)
    GB = UK
    FR = ("A13V1IB3VIYZZH", _EUROPE)
    BE = ("AMEN7PMS3EDWL", _EUROPE)
    NL = ("A1805IZSGTT6HS", _EUROPE)
    DE = ("A1PA6795UKMFR9", _EUROPE)
    IT = ("APJ6JRA9NG5V4", _EUROPE)
    SE = ("A2NODRKZP88ZB9", _EUROPE)
    ZA = ("AE08WJ6YKNBMC", _EUROPE)
    PL = ("A1C3SOZRARQ6R3", _EUROPE)
    EG = ("ARBP9OOSHTCHU", _EUROPE)
    TR = ("A33AVAJ2PDY3EV", _EUROPE)
    SA = ("A17E79C6D8DWNP", _EUROPE)
    AE = ("A2VIGQ35RCS4UG", _EUROPE)
    IN = ("A21TJRUUN4KGV", _EUROPE)
    SG = ("A19VAU5U5O7RUS", _FAR_EAST)
    AU = ("A39IBJ37TRP1C6", _FAR_EAST)
    JP = ("A1VC38T7YXB528", _FAR_EAST)

    def __init__(self, marketplace_id: str, place: tuple[str, str]) -> None:
        self.marketplace_id = marketplace_id
        self.endpoint, self.region = place

    @property
    def seller_central(self) -> str | None:
        """Return the host of Seller Central, where consent is asked; None where it is not known."""
        return SELLER_CENTRAL.get(self.name)

    @classmethod
    def by_id(cls, marketplace_id: str) -> Marketplaces:
        """Return the marketplace with this id. Raises ValueError when there is none."""
        for marketplace in cls:
            if marketplace.marketplace_id == marketplace_id:
                return marketplace
        raise ValueError(f"{marketplace_id!r} is not the id of a marketplace")


_SELLER_CENTRAL_EUROPE: Final = "sellercentral-europe.amazon.com"

SELLER_CENTRAL: Final[dict[str, str]] = {
    "US": "sellercentral.amazon.com",
    "CA": "sellercentral.amazon.ca",
    "MX": "sellercentral.amazon.com.mx",
    "BR": "sellercentral.amazon.com.br",
    "ES": _SELLER_CENTRAL_EUROPE,
    "UK": _SELLER_CENTRAL_EUROPE,
    "FR": _SELLER_CENTRAL_EUROPE,
    "DE": _SELLER_CENTRAL_EUROPE,
    "IT": _SELLER_CENTRAL_EUROPE,
    "NL": "sellercentral.amazon.nl",
    "SE": "sellercentral.amazon.se",
    "PL": "sellercentral.amazon.pl",
    "TR": "sellercentral.amazon.com.tr",
    "AE": "sellercentral.amazon.ae",
    "IN": "sellercentral.amazon.in",
    "SG": "sellercentral.amazon.sg",
    "AU": "sellercentral.amazon.com.au",
    "JP": "sellercentral.amazon.co.jp",
}
