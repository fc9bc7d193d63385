"""Amazon's definitions as they come in: every field optional, nonsense read as nothing.

Source: definitions ``ServiceJob`` and what it refers to in Amazon's model ``services-v1.json``.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    WrapValidator,
)
from pydantic.alias_generators import to_camel

EARLIEST = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
LATEST = dt.datetime(9998, 12, 31, tzinfo=dt.UTC)
"""Far enough from the calendar's ends that every zone can show the moment."""
MOST = 2**31 - 1
"""The largest whole number that every database keeps."""
LONGEST_MINUTES = 366 * 24 * 60


def _or_nothing(value: Any, handler: Any) -> Any:
    """One field of a wrong type must not cost us the job: it reads as missing."""
    try:
        return handler(value)
    except ValidationError:
        return None


def storable(text: str) -> str:
    """Without null characters, which PostgreSQL cannot store, and halves of surrogate pairs."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "").encode(errors="ignore").decode()


def _text(value: Any) -> str | None:
    return storable(value) if isinstance(value, str) else None


def _only_texts(value: Any) -> list[str]:
    found = map(_text, value) if isinstance(value, list) else ()
    return [part for part in found if part]


def only_objects(value: Any) -> Any:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


_Lenient = WrapValidator(_or_nothing)
# One call into Python for each text of a job, of which there are dozens.
Text = Annotated[str | None, PlainValidator(_text)]
Whole = Annotated[Annotated[int, Field(ge=0, le=MOST)] | None, _Lenient]
Minutes = Annotated[Annotated[int, Field(ge=0, le=LONGEST_MINUTES)] | None, _Lenient]
Flag = Annotated[bool | None, _Lenient]
Texts = Annotated[list[str], PlainValidator(_only_texts)]


def _moment(value: Any, handler: Any) -> dt.datetime | None:
    moment: dt.datetime | None = _or_nothing(value, handler)
    if moment is None:
        return None
    aware = moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment
    return aware.astimezone(dt.UTC) if EARLIEST <= aware <= LATEST else None


Moment = Annotated[dt.datetime | None, WrapValidator(_moment)]


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


class AppointmentTime(_Part):
    start_time: Moment = None
    duration_in_minutes: Minutes = None


class Technician(_Part):
    technician_id: Text = None
    name: Text = None


class Proof(_Part):
    upload_time: Moment = None
    poa_type: Text = None


class Appointment(_Part):
    appointment_id: Text = None
    appointment_status: Text = None
    appointment_time: Annotated[AppointmentTime | None, _Lenient] = None
    assigned_technicians: Annotated[list[Technician], BeforeValidator(only_objects)] = []
    rescheduled_appointment_id: Text = None
    poa: Annotated[Proof | None, _Lenient] = None

    @property
    def start(self) -> dt.datetime | None:
        return self.appointment_time.start_time if self.appointment_time else None

    @property
    def minutes(self) -> int | None:
        return self.appointment_time.duration_in_minutes if self.appointment_time else None

    @property
    def end(self) -> dt.datetime | None:
        return self.start + dt.timedelta(minutes=self.minutes or 0) if self.start else None


class ScopeOfWork(_Part):
    asin: Text = None
    title: Text = None
    quantity: Whole = None
    required_skills: Texts = []


class ItemDelivery(_Part):
    estimated_delivery_date: Moment = None


class AssociatedItem(_Part):
    asin: Text = None
    title: Text = None
    quantity: Whole = None
    order_id: Text = None
    item_status: Text = None
    brand_name: Text = None
    item_delivery: Annotated[ItemDelivery | None, _Lenient] = None


class Address(_Part):
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


class ServiceLocation(_Part):
    service_location_type: Text = None
    address: Annotated[Address | None, _Lenient] = None


class Buyer(_Part):
    name: Text = None
    phone: Text = None
    is_prime_member: Flag = None


class ServiceJob(_Part):
    service_job_id: Annotated[str, AfterValidator(storable)]
    service_order_id: Text = None
    service_job_status: Text = None
    create_time: Moment = None
    marketplace_id: Text = None
    store_id: Text = None
    scope_of_work: Annotated[ScopeOfWork | None, _Lenient] = None
    preferred_appointment_times: Annotated[
        list[AppointmentTime], BeforeValidator(only_objects)
    ] = []
    appointments: Annotated[list[Appointment], BeforeValidator(only_objects)] = []
    product_order_ids: Texts = []
    tracking_ids: Texts = []
    buyer: Annotated[Buyer | None, _Lenient] = None
    associated_items: Annotated[list[AssociatedItem], BeforeValidator(only_objects)] = []
    service_location: Annotated[ServiceLocation | None, _Lenient] = None

    @property
    def work(self) -> ScopeOfWork:
        return self.scope_of_work or ScopeOfWork()

    @property
    def address(self) -> Address:
        place = self.service_location
        return (place.address if place else None) or Address()

    @property
    def current_appointment(self) -> Appointment | None:
        """The active appointment; else the completed one; else the latest."""
        order = {"ACTIVE": 2, "COMPLETED": 1}
        floor = dt.datetime.min.replace(tzinfo=dt.UTC)
        return max(
            (a for a in self.appointments if a.appointment_id),
            key=lambda a: (order.get(a.appointment_status or "", 0), a.start or floor),
            default=None,
        )
