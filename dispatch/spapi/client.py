"""The client of the SP-API Services v1: all seventeen operations.

Drop-in for the documented ``sp_api.api.Services``. Keywords are spelled as Amazon's model
spells them; one it does not declare is a TypeError.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

from dispatch.spapi import wire
from dispatch.spapi.calls import Line, Observer, TokenClient
from dispatch.spapi.credentials import Credentials, find_credentials
from dispatch.spapi.lwa import is_token
from dispatch.spapi.marketplaces import Marketplace, Marketplaces
from dispatch.spapi.operations import OPERATIONS
from dispatch.spapi.pages import pages
from dispatch.spapi.response import ApiResponse
from dispatch.spapi.retry import Policy
from dispatch.spapi.throttle import SHARED_THROTTLE, Throttle
from dispatch.spapi.tokens import AccessTokenClient, TokenCache
from dispatch.spapi.transport import Transport, shared_transport

VERSIONS: Final = (None, "v1")


class Services:
    """A seller's line to Amazon's service jobs. Cheap to make, safe to share between threads.

    ``credentials`` (``refresh_token``, ``lwa_app_id``, ``lwa_client_secret``) come from the
    argument, else from the environment, else from ``credential_providers``. ``timeout`` is
    seconds, or (connect, read); the default is (5, 30). ``restricted_data_token`` is sent
    instead of an access token. ``throttle=None`` switches rate limiting off.

    For tests and for other floors: ``transport`` carries requests, ``clock`` is seconds since
    1970, ``token_cache`` keeps access tokens, ``interactive=False`` marks background work, which
    leaves half of the burst to people, ``observer`` gets a ``CallRecord`` per call, ``policy``
    bounds retries.

    Every operation returns an ApiResponse and raises SellingApiException or one of its
    subclasses, AuthorizationError when no access token is to be had, TypeError for a keyword
    the model does not declare, ValueError for a time without a zone or an empty id.
    """

    def __init__(
        self,
        marketplace: Marketplace = Marketplaces.US,
        *,
        refresh_token: str | None = None,
        account: str = "default",
        credentials: Mapping[str, Any] | None = None,
        restricted_data_token: str | None = None,
        proxies: Mapping[str, str] | None = None,
        verify: bool | str = True,
        timeout: wire.Timeout = None,
        version: str | None = None,
        credential_providers: Iterable[Any] | None = None,
        auth_token_client_class: Callable[..., TokenClient] = AccessTokenClient,
        throttle: Throttle | None = SHARED_THROTTLE,
        transport: Transport | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        token_cache: TokenCache | None = None,
        interactive: bool = True,
        observer: Observer | None = None,
        policy: Policy | None = None,
    ) -> None:
        """Raises MissingCredentials, and ValueError for an unknown version or a bad endpoint."""
        if version not in VERSIONS:
            raise ValueError(f"There is no version {version!r} of the Services API, only 'v1'")
        if restricted_data_token is not None and not is_token(restricted_data_token):
            raise ValueError("restricted_data_token cannot be sent in a header")
        found = find_credentials(
            account, refresh_token=refresh_token, given=credentials, providers=credential_providers
        )
        self.endpoint = os.environ.get("SP_API_ENDPOINT") or marketplace.endpoint
        self.marketplace_id = marketplace.marketplace_id
        self.region = marketplace.region
        origin, prefix = wire.split_endpoint(self.endpoint)
        carrier = transport or shared_transport(proxies, verify)
        tokens: dict[str, Any] = {"proxies": proxies, "verify": verify}
        if _is_ours(auth_token_client_class):
            tokens |= {"timeout": timeout, "transport": carrier, "token_cache": token_cache}
            tokens |= {"clock": clock, "sleep": sleep}
        self._line: Line | None = Line(
            origin=origin,
            prefix=prefix,
            tokens=_token_client(auth_token_client_class, found, tokens),
            transport=carrier,
            timeout=wire.timeouts(timeout),
            throttle=throttle,
            throttle_key=found.digest("throttle", origin),
            interactive=interactive,
            fixed_token=restricted_data_token,
            observer=observer,
            policy=policy or Policy(),
            clock=clock,
            sleep=sleep,
        )

    def __repr__(self) -> str:
        return f"<Services {self.marketplace_id} at {urlsplit(self.endpoint).hostname}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Forget the secrets. Connections stay open: they are shared with other clients."""
        self._line = None

    def _call(self, operation_id: str, ids: tuple[str, ...], keys: dict[str, Any]) -> ApiResponse:
        operation = OPERATIONS[operation_id]
        wire.check_keys(operation, keys)
        target = wire.target(operation, ids, keys, self.marketplace_id)
        body = wire.body(operation, keys, keys.get("body"))
        if self._line is None:
            raise RuntimeError("This client is closed")
        return self._line.call(operation, target, body)

    def get_service_job_by_service_job_id(self, serviceJobId: str) -> ApiResponse:
        """Return one job. An unknown id is refused with 422."""
        return self._call("getServiceJobByServiceJobId", (serviceJobId,), {})

    def get_service_jobs(self, **filters: Any) -> ApiResponse:
        """Return a page of jobs: ``{"totalResultSize", "nextPageToken", "jobs": [ServiceJob]}``.

        Exactly one of ``createdAfter`` and ``lastUpdatedAfter`` is required. Others:
        ``createdBefore``, ``lastUpdatedBefore``, ``scheduleStartDate``, ``scheduleEndDate``,
        ``serviceOrderIds``, ``productOrderIds``, ``trackingIds``, ``serviceJobStatus``, ``asins``,
        ``requiredSkills``, ``storeIds`` (lists), ``sortField``, ``sortOrder``, ``pageToken``,
        ``pageSize`` (1–20), ``marketplaceIds``.
        """
        return self._call("getServiceJobs", (), filters)

    def iterate_service_jobs(self, **filters: Any) -> Iterator[dict[str, Any]]:
        """Yield every job that matches the filters of ``get_service_jobs``, page by page.

        Stops at a token it has seen, and after some pages without a job that is new.
        """
        first = filters.pop("pageToken", None)

        def ask(token: str | None) -> ApiResponse:
            return self.get_service_jobs(**filters, pageToken=token)

        for page in pages(ask, _jobs_of, first):
            yield from _jobs_of(page)

    def cancel_service_job_by_service_job_id(self, serviceJobId: str, **keys: Any) -> ApiResponse:
        """Cancel a job; ``cancellationReasonCode`` is required."""
        return self._call("cancelServiceJobByServiceJobId", (serviceJobId,), keys)

    def complete_service_job_by_service_job_id(self, serviceJobId: str) -> ApiResponse:
        """Complete a job; its fulfilment data must have been given before."""
        return self._call("completeServiceJobByServiceJobId", (serviceJobId,), {})

    def add_appointment_for_service_job_by_service_job_id(
        self, serviceJobId: str, **keys: Any
    ) -> ApiResponse:
        """Book ``appointmentTime={"startTime", ["durationInMinutes"]}``, in UTC.

        Payload ``{"appointmentId"}``. Raises SellingApiOutcomeUnknown when the answer is lost.
        """
        return self._call("addAppointmentForServiceJobByServiceJobId", (serviceJobId,), keys)

    def reschedule_appointment_for_service_job_by_service_job_id(
        self, serviceJobId: str, appointmentId: str, **keys: Any
    ) -> ApiResponse:
        """Move to ``appointmentTime`` with ``rescheduleReasonCode``; the payload has a **new** id.

        The warning RESOURCES_UNASSIGNED says who must be assigned again. Raises
        SellingApiOutcomeUnknown when the answer is lost.
        """
        ids = (serviceJobId, appointmentId)
        return self._call("rescheduleAppointmentForServiceJobByServiceJobId", ids, keys)

    def assign_appointment_resources(
        self, serviceJobId: str, appointmentId: str, **keys: Any
    ) -> ApiResponse:
        """Replace the technicians by ``resources=[{"resourceId"}]``; overbooking only warns."""
        return self._call("assignAppointmentResources", (serviceJobId, appointmentId), keys)

    def set_appointment_fulfillment_data(
        self, serviceJobId: str, appointmentId: str, **keys: Any
    ) -> ApiResponse:
        """Say what happens at the appointment; returns an empty payload.

        At least one is required of ``estimatedArrivalTime`` and ``fulfillmentTime`` (both
        ``{"startTime", "endTime"}``), ``appointmentResources`` and ``fulfillmentDocuments``."""
        return self._call("setAppointmentFulfillmentData", (serviceJobId, appointmentId), keys)

    def get_range_slot_capacity(self, resourceId: str, **keys: Any) -> ApiResponse:
        """Return a resource's capacity in ranges.

        Takes ``startDateTime``, ``endDateTime``, ``capacityTypes`` and ``nextPageToken``.
        """
        return self._call("getRangeSlotCapacity", (resourceId,), keys)

    def get_fixed_slot_capacity(self, resourceId: str, **keys: Any) -> ApiResponse:
        """Return a resource's capacity in slots of ``slotDuration`` minutes (5–360, in steps of 5).

        Takes ``startDateTime``, ``endDateTime``, ``capacityTypes`` and ``nextPageToken`` too.
        """
        return self._call("getFixedSlotCapacity", (resourceId,), keys)

    def update_schedule(self, resourceId: str, **keys: Any) -> ApiResponse:
        """Overwrite a resource's whole schedule by ``schedules=[AvailabilityRecord, …]``."""
        return self._call("updateSchedule", (resourceId,), keys)

    def create_reservation(self, **keys: Any) -> ApiResponse:
        """Take time of ``resourceId`` away, by ``reservation={"type", "availability"}``.

        The payload is ``{"reservation": {"reservationId", …}}``."""
        return self._call("createReservation", (), keys)

    def update_reservation(self, reservationId: str, **keys: Any) -> ApiResponse:
        """Change a ``reservation`` of ``resourceId``; the id in the answer may be a new one."""
        return self._call("updateReservation", (reservationId,), keys)

    def cancel_reservation(self, reservationId: str, **keys: Any) -> ApiResponse:
        """Give reserved time back; returns an empty payload."""
        return self._call("cancelReservation", (reservationId,), keys)

    def get_appointmment_slots_by_job_id(self, serviceJobId: str, **keys: Any) -> ApiResponse:
        """Return the slots for a job.

        ``startTime`` and ``endTime`` are given both or neither, at most 90 days apart.
        """
        return self._call("getAppointmmentSlotsByJobId", (serviceJobId,), keys)

    get_appointment_slots_by_job_id = get_appointmment_slots_by_job_id

    def get_appointment_slots(self, **keys: Any) -> ApiResponse:
        """Return the slots for ``asin`` at ``storeId``.

        ``startTime`` and ``endTime`` are given both or neither, at most 90 days apart.
        """
        return self._call("getAppointmentSlots", (), keys)

    def create_service_document_upload_destination(self, **keys: Any) -> ApiResponse:
        """Ask where to upload a file of ``contentType`` (PNG, JPG, …).

        ``contentLength`` is in bytes, ``contentMD5`` in base64. The payload is
        ``{"uploadDestinationId", "url", "encryptionDetails", ["headers"]}``.
        """
        return self._call("createServiceDocumentUploadDestination", (), keys)


def _jobs_of(page: ApiResponse) -> list[Any]:
    return page("jobs") if isinstance(page("jobs"), list) else []


def _is_ours(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, AccessTokenClient)


def _token_client(
    kind: Callable[..., TokenClient], credentials: Credentials, extras: Mapping[str, Any]
) -> TokenClient:
    return kind(refresh_token=credentials.refresh_token, credentials=credentials, **extras)
