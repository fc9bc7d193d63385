"""Reads and writes ISO 8601 as Amazon does, and keeps the sandbox's clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d(?::?\d\d)?)?)?",
)


def parse(text: object) -> datetime:
    """Return the moment that a text names, in UTC without an offset. Raises ValueError."""
    match = _ISO.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"not ISO 8601: {text!r}")
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    return datetime(
        int(year),
        int(month),
        int(day),
        int(hour or 0),
        int(minute or 0),
        int(second or 0),
        int((fraction or "0")[:6].ljust(6, "0")),
        tzinfo=_zone(offset),
    )


def _zone(offset: str | None) -> timezone:
    if offset is None or offset == "Z":
        return UTC
    digits = offset[1:].replace(":", "")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return timezone(-size if offset[0] == "-" else size)


def is_utc(moment: datetime) -> bool:
    """Tell whether the text that a moment was read from said UTC."""
    return moment.utcoffset() == timedelta(0)


def iso(moment: datetime) -> str:
    """Write UTC to the second, with Z, as the model's examples show slots and appointments."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_exact(moment: datetime) -> str:
    """Write UTC to the microsecond, for what is kept between restarts."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


class Clock:
    """The world's clock: the real one, or one that stands still where a scenario put it."""

    def __init__(self) -> None:
        self.frozen: datetime | None = None

    def now(self) -> datetime:
        return self.frozen or datetime.now(UTC)
