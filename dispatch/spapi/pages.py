"""Tells pages that go on from pages that go round.

Amazon's static sandbox hands out the same token for ever, and nothing promises that a token
leads to another page.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

STALE: Final = 3
"""Pages in a row without anything new before we stop; one or two may be chance."""


class Course:
    """The pages of one listing, of which it remembers tokens and entries."""

    def __init__(self, token: object = None) -> None:
        """``token``: the page that the listing begins with, if not the first."""
        self._tokens = {None, "", token}
        self._entries: set[int] = set()
        self._stale = 0

    def goes_on(self, token: str | None, entries: Iterable[Any]) -> bool:
        """Whether to ask for the page of ``token``, which came with these entries."""
        found = {hash(_identity(entry)) for entry in entries}
        self._stale = 0 if found - self._entries else self._stale + 1
        self._entries |= found
        again = token in self._tokens
        self._tokens.add(token)
        return not again and self._stale < STALE


def _identity(entry: Any) -> str:
    """A job's id, which stays when the job changes; other entries are what they hold."""
    named = entry.get("serviceJobId") if isinstance(entry, dict) else None
    return str(named or entry)
