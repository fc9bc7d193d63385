"""What went wrong between us and Amazon, in plain words."""

from __future__ import annotations

from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _

from dispatch.models.keyring import SealBroken
from dispatch.spapi import (
    AuthorizationError,
    MissingCredentials,
    SellingApiConnectionException,
    SellingApiException,
    SellingApiRequestThrottledException,
)

_TOKEN_WORDS = {
    "invalid_grant": _(
        "Amazon no longer accepts the seller's authorisation. The owner has to authorise again."
    ),
    "access_denied": _(
        "Amazon no longer accepts the seller's authorisation. The owner has to authorise again."
    ),
    "invalid_client": _("Amazon does not accept the application's client id or secret."),
    "unauthorized_client": _("Amazon does not allow this application to act for the seller."),
}


def in_words(error: Exception) -> str:
    """Say what happened, what it means and what to do, in one or two plain sentences."""
    if isinstance(error, AuthorizationError):
        unknown = _("Log-in with Amazon did not answer. Try again.")
        return str(_TOKEN_WORDS.get(error.error, unknown))
    if isinstance(error, MissingCredentials):
        return gettext(
            "The seller's credentials are incomplete. The owner has to enter them again."
        )
    if isinstance(error, SealBroken):
        return gettext("The seller's credentials cannot be opened with this server's keys.")
    if isinstance(error, SellingApiRequestThrottledException):
        return gettext(
            "Amazon is answering too many requests of this seller just now. Try again shortly."
        )
    if isinstance(error, SellingApiConnectionException):
        return gettext("Amazon could not be reached. Nothing was changed.")
    if isinstance(error, SellingApiException):
        return _answer_in_words(error)
    return gettext("Something went wrong on our side.")


def _answer_in_words(error: SellingApiException) -> str:
    if error.code == 403 and error.amzn_code == "Unauthorized":
        return gettext(
            "Amazon denied access. The role Professional Services (Restricted) is missing, "
            "or the seller has to authorise again."
        )
    if error.code >= 500:
        return gettext("Amazon has a fault of its own at the moment. Try again in a minute.")
    words = gettext("Amazon answered with status %(code)s and no explanation.")
    return error.message or words % {"code": error.code}


def kept_words(error: Exception) -> str:
    """Return `in_words` in English: what is kept is translated for whoever reads it."""
    with override(None):
        return in_words(error)
