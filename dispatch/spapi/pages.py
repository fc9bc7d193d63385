"""Follows the pages of a listing, and recognises pages that go round.

Amazon's static sandbox hands out the same token for ever, and nothing promises that a token
leads to another page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from dispatch.spapi.response import ApiResponse

STALE: Final = 3
"""Pages in a row without anything new before we stop; one or two may be chance."""


def pages(
    ask: Callable[[str | None], ApiResponse],
    entries: Callable[[ApiResponse], Iterable[Any]],
    first: str | None = None,
) -> Iterator[ApiResponse]:
    """Yield the pages of a listing until there are no more, or they go round.

    ``ask`` asks for the page of a token, ``entries`` says what is listed on a page, ``first`` is
    the token to begin with. The next page is asked for only when the last one has been used up.
    """
    token, guard = first, LoopGuard(first)
    while True:
        page = ask(token)
        yield page
        token = page.next_token
        if not guard.goes_on(token, entries(page)):
            return


class LoopGuard:
    """Remembers the tokens and the entries of one listing, to know when its pages go round."""

    def __init__(self, token: object = None) -> None:
        """``token`` leads to the page that the listing begins with, if that is not the first."""
        self._tokens = {None, "", token}
        self._entries: set[int] = set()
        self._stale = 0

    def goes_on(self, token: str | None, entries: Iterable[Any]) -> bool:
        """Tell whether to ask for the page of ``token``, which came with these entries."""
        found = {hash(_identity(entry)) for entry in entries}
        self._stale = 0 if found - self._entries else self._stale + 1
        self._entries |= found
        again = token in self._tokens
        self._tokens.add(token)
        return not again and self._stale < STALE


def _identity(entry: Any) -> str:
    """Return a job's id, which stays when the job changes; other entries are what they hold."""
    named = entry.get("serviceJobId") if isinstance(entry, dict) else None
    return str(named or entry)
