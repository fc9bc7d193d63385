"""A client of Amazon's SP-API Services v1, which knows nothing of Django.

with Services(Marketplaces.US, credentials={…}) as services:
    services.get_service_job_by_service_job_id("…").payload
"""

from dispatch.spapi.calls import CallRecord
from dispatch.spapi.client import Services
from dispatch.spapi.exceptions import (
    AuthorizationError,
    MissingCredentials,
    SellingApiBadRequestException,
    SellingApiConnectionException,
    SellingApiException,
    SellingApiForbiddenException,
    SellingApiGatewayTimeoutException,
    SellingApiNotFoundException,
    SellingApiOutcomeUnknown,
    SellingApiRequestThrottledException,
    SellingApiServerException,
    SellingApiStateConflictException,
    SellingApiTemporarilyUnavailableException,
    SellingApiTooLargeException,
    SellingApiUnauthorizedException,
    SellingApiUnprocessableException,
    SellingApiUnreadableException,
    SellingApiUnsupportedFormatException,
    ThrottledLocally,
)
from dispatch.spapi.marketplaces import SELLER_CENTRAL, Marketplace, Marketplaces
from dispatch.spapi.operations import OPERATIONS, Operation
from dispatch.spapi.response import ApiResponse
from dispatch.spapi.retry import Policy
from dispatch.spapi.throttle import SHARED_THROTTLE, LocalThrottle, Throttle
from dispatch.spapi.tokens import AccessToken, AccessTokenClient, LocalTokenCache, TokenCache
from dispatch.spapi.transport import Reply, Request, Transport, TransportFault

__all__ = [
    "OPERATIONS",
    "SELLER_CENTRAL",
    "SHARED_THROTTLE",
    "AccessToken",
    "AccessTokenClient",
    "ApiResponse",
    "AuthorizationError",
    "CallRecord",
    "LocalThrottle",
    "LocalTokenCache",
    "Marketplace",
    "Marketplaces",
    "MissingCredentials",
    "Operation",
    "Policy",
    "Reply",
    "Request",
    "SellingApiBadRequestException",
    "SellingApiConnectionException",
    "SellingApiException",
    "SellingApiForbiddenException",
    "SellingApiGatewayTimeoutException",
    "SellingApiNotFoundException",
    "SellingApiOutcomeUnknown",
    "SellingApiRequestThrottledException",
    "SellingApiServerException",
    "SellingApiStateConflictException",
    "SellingApiTemporarilyUnavailableException",
    "SellingApiTooLargeException",
    "SellingApiUnauthorizedException",
    "SellingApiUnprocessableException",
    "SellingApiUnreadableException",
    "SellingApiUnsupportedFormatException",
    "Services",
    "Throttle",
    "ThrottledLocally",
    "TokenCache",
    "Transport",
    "TransportFault",
]
