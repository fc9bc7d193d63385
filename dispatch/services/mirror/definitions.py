"""Amazon's definition ``ServiceJob`` and its parts, as they come in.

Source: definitions ``ServiceJob`` and what it refers to in Amazon's model ``services-v1.json``.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from dispatch.services.amazon.definition import (
    Definition,
    Flag,
    Lenient,
    Minutes,
    Moment,
    Text,
    Texts,
    Whole,
    only_objects,
    storable,
)


class AppointmentTime(Definition):
    start_time: Moment = None
    duration_in_minutes: Minutes = None


class Technician(Definition):
    technician_id: Text = None
    name: Text = None


class Proof(Definition):
    upload_time: Moment = None
    poa_type: Text = None


class Appointment(Definition):
    appointment_id: Text = None
    appointment_status: Text = None
    appointment_time: Annotated[AppointmentTime | None, Lenient] = None
    assigned_technicians: Annotated[list[Technician], BeforeValidator(only_objects)] = []
    rescheduled_appointment_id: Text = None
    poa: Annotated[Proof | None, Lenient] = None

    @property
    def start(self) -> dt.datetime | None:
        return self.appointment_time.start_time if self.appointment_time else None

    @property
    def minutes(self) -> int | None:
        return self.appointment_time.duration_in_minutes if self.appointment_time else None

    @property
    def end(self) -> dt.datetime | None:
        return self.start + dt.timedelta(minutes=self.minutes or 0) if self.start else None


class ScopeOfWork(Definition):
    asin: Text = None
    title: Text = None
    quantity: Whole = None
    required_skills: Texts = []


class ItemDelivery(Definition):
    estimated_delivery_date: Moment = None


class AssociatedItem(Definition):
    asin: Text = None
    title: Text = None
    quantity: Whole = None
    order_id: Text = None
    item_status: Text = None
    brand_name: Text = None
    item_delivery: Annotated[ItemDelivery | None, Lenient] = None


class Address(Definition):
    name: Text = None
    address_line1: Text = None
    address_line2: Text = None
    address_line3: Text = None
    city: Text = None
    county: Text = None
    district: Text = None
    state_or_region: Text = None
    postal_code: Text = None
    country_code: Text = None
    phone: Text = None


class ServiceLocation(Definition):
    service_location_type: Text = None
    address: Annotated[Address | None, Lenient] = None


class Buyer(Definition):
    name: Text = None
    phone: Text = None
    is_prime_member: Flag = None


class ServiceJob(Definition):
    service_job_id: Annotated[str, AfterValidator(storable)]
    service_order_id: Text = None
    service_job_status: Text = None
    create_time: Moment = None
    marketplace_id: Text = None
    store_id: Text = None
    scope_of_work: Annotated[ScopeOfWork | None, Lenient] = None
    preferred_appointment_times: Annotated[
        list[AppointmentTime], BeforeValidator(only_objects)
    ] = []
    appointments: Annotated[list[Appointment], BeforeValidator(only_objects)] = []
    product_order_ids: Texts = []
    tracking_ids: Texts = []
    buyer: Annotated[Buyer | None, Lenient] = None
    associated_items: Annotated[list[AssociatedItem], BeforeValidator(only_objects)] = []
    service_location: Annotated[ServiceLocation | None, Lenient] = None

    @property
    def work(self) -> ScopeOfWork:
        return self.scope_of_work or ScopeOfWork()

    @property
    def address(self) -> Address:
        place = self.service_location
        return (place.address if place else None) or Address()

    @property
    def current_appointment(self) -> Appointment | None:
        """Return the active appointment, else the completed one, else the latest."""
        order = {"ACTIVE": 2, "COMPLETED": 1}
        floor = dt.datetime.min.replace(tzinfo=dt.UTC)
        return max(
            (a for a in self.appointments if a.appointment_id),
            key=lambda a: (order.get(a.appointment_status or "", 0), a.start or floor),
            default=None,
        )
