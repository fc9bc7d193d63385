"""What a made-up job is about: who ordered what, where to, and how it was paid."""

from __future__ import annotations

import random
import uuid
from datetime import datetime, timedelta

from dispatch.sandbox.catalogue import FIRST_NAMES, LAST_NAMES, STREETS, Place, Service
from dispatch.sandbox.realm import US
from dispatch.sandbox.replies import JsonDict
from dispatch.sandbox.times import iso
from dispatch.sandbox.world import World


class OrderMaker:
    """Makes orders of one seller, at one moment, from one source of chance."""

    def __init__(self, rng: random.Random, world: World, now: datetime) -> None:
        self.rng = rng
        self.world = world
        self.now = now

    def order(self, place: Place, service: Service, created: datetime) -> JsonDict:
        """Return Amazon's ``ServiceJob`` for a new order, which nobody has scheduled yet."""
        buyer = f"{self._pick(FIRST_NAMES)} {self._pick(LAST_NAMES)}"
        phone = self._phone(place)
        payload: JsonDict = {
            "createTime": iso(created),
            "serviceJobId": str(random_uuid(self.rng)),
            "serviceJobStatus": "PENDING_SCHEDULE",
            "scopeOfWork": {
                "asin": service.asin,
                "title": service.title,
                "quantity": 1,
                "requiredSkills": [service.skill],
            },
            "seller": {"sellerId": self.world.selling_partner_id},
            "serviceJobProvider": {"serviceJobProviderId": self.world.selling_partner_id},
            "serviceOrderId": self._order_id(),
            "marketplaceId": self.world.marketplace_id,
            "storeId": place.store,
            "buyer": {
                "buyerId": f"A{self.rng.getrandbits(48):012X}",
                "name": buyer,
                "phone": phone,
                "isPrimeMember": self.rng.random() < 0.6,
            },
            "serviceLocation": self._location(place, service, buyer, phone),
            "payments": [self._payment(service)],
        }
        if service.location != "ONLINE" or self.rng.random() < 0.5:
            payload |= self._product(service, created)
        return payload

    def _product(self, service: Service, created: datetime) -> JsonDict:
        """Return the goods that the job is about, on their way or there."""
        order, due = self._order_id(), created + timedelta(days=self.rng.randint(1, 4))
        status = "DELIVERED" if due < self.now else self.rng.choice(["ACTIVE", "SHIPPED"])
        item: JsonDict = {
            "asin": service.asin.replace("B0SV", "B0PR"),
            "title": f"{service.brand} {service.item}",
            "quantity": 4 if service.skill == "TYRE_FITTING" else 1,
            "orderId": order,
            "itemStatus": status,
            "brandName": service.brand,
            "itemDelivery": {
                "estimatedDeliveryDate": iso(due),
                "itemDeliveryPromise": {
                    "startTime": iso(due - timedelta(hours=8)),
                    "endTime": iso(due),
                },
            },
        }
        if service.skill == "TYRE_FITTING":
            item["linkedAssets"] = [_vehicle(self.rng)]
        tracking = f"TBA{self.rng.randint(10**11, 10**12 - 1)}"
        return {"associatedItems": [item], "productOrderIds": [order], "trackingIds": [tracking]}

    def _location(self, place: Place, service: Service, buyer: str, phone: str) -> JsonDict:
        street, number = self._pick(STREETS), self.rng.randint(2, 980)
        american = self.world.marketplace_id == US
        address: JsonDict = {
            "name": buyer,
            "addressLine1": f"{number} {street}" if american else f"{street} {number % 90 + 1}",
            "city": place.city,
            "stateOrRegion": place.state,
            "postalCode": place.postal_code,
            "countryCode": "US" if american else "DE",
            "phone": phone,
        }
        if self.rng.random() < 0.2:
            flat = self.rng.randint(1, 40)
            address["addressLine2"] = f"Apt {flat}" if american else f"{flat}. Wohnung"
        return {"serviceLocationType": service.location, "address": address}

    def _payment(self, service: Service) -> JsonDict:
        currency = "USD" if self.world.marketplace_id == US else "EUR"
        instrument = self.rng.choice(["CREDIT_CARD", "CREDIT_CARD", "GIFT_CARD", "BANK_ACCOUNT"])
        return {"amount": {"value": service.price, "currency": currency}, "instrument": instrument}

    def _phone(self, place: Place) -> str:
        if self.world.marketplace_id == US:
            return f"+1 {place.area_code} 555 01{self.rng.randint(0, 99):02}"
        return f"+49 {place.area_code} {self.rng.randint(100, 999)}"

    def _order_id(self) -> str:
        first, second = self.rng.randint(0, 10**7 - 1), self.rng.randint(0, 10**7 - 1)
        return f"{self.rng.randint(100, 399)}-{first:07}-{second:07}"

    def _pick(self, table: dict[str, tuple[str, ...]]) -> str:
        return self.rng.choice(table[self.world.marketplace_id])


def random_uuid(rng: random.Random) -> uuid.UUID:
    """Return a UUID that is the same for the same source of chance."""
    return uuid.UUID(int=rng.getrandbits(128), version=4)


def _vehicle(rng: random.Random) -> JsonDict:
    year, name = rng.randint(2014, 2025), rng.choice(["Meridian Coupe", "Halden Estate", "Orbit 4"])
    return {
        "assetType": "VEHICLE",
        "assetName": f"{year} {name}",
        "additionalAttributes": {"year": str(year), "model": name},
    }
