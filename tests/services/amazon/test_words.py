"""Every error is told in plain words, and tells no secret."""

from __future__ import annotations

import pytest

from dispatch.models.keyring import SealBroken
from dispatch.services.amazon.words import in_words
from dispatch.spapi import (
    AuthorizationError,
    MissingCredentials,
    SellingApiConnectionException,
    SellingApiForbiddenException,
    SellingApiRequestThrottledException,
    SellingApiServerException,
    SellingApiUnprocessableException,
)


def refusal(code: str, message: str = "No.") -> list[dict[str, str]]:
    return [{"code": code, "message": message}]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (AuthorizationError("invalid_grant", ""), "authorise again"),
        (AuthorizationError("invalid_client", ""), "client id or secret"),
        (AuthorizationError("server_error", ""), "did not answer"),
        (MissingCredentials(["refresh_token"]), "incomplete"),
        (SealBroken("x"), "this server's keys"),
        (SellingApiRequestThrottledException(refusal("QuotaExceeded"), code=429), "too many"),
        (SellingApiConnectionException([], code=0), "could not be reached"),
        (SellingApiServerException(refusal("InternalFailure"), code=500), "fault of its own"),
        (SellingApiForbiddenException(refusal("Unauthorized"), code=403), "role"),
        (SellingApiUnprocessableException(refusal("InvalidInput", "Full."), code=422), "Full."),
        (SellingApiUnprocessableException([], code=422), "status 422"),
        (RuntimeError("secret detail"), "on our side"),
    ],
)
def test_every_error_is_told_in_plain_words(error: Exception, words: str) -> None:
    told = in_words(error)
    assert words in told
    assert told.endswith(".")
    assert "secret detail" not in told
