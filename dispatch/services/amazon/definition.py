"""How Amazon's definitions are read: every field may be missing, and nonsense reads as missing.

One field of a wrong type must not cost us the job or the answer that it came with.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    WrapValidator,
)
from pydantic.alias_generators import to_camel

EARLIEST = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
LATEST = dt.datetime(9998, 12, 31, tzinfo=dt.UTC)
"""Far enough from the calendar's ends that every time zone can show the moment."""
MOST = 2**31 - 1
"""The largest whole number that every database keeps."""
LONGEST_MINUTES = 366 * 24 * 60


class Definition(BaseModel):
    """A definition of Amazon's model: camelCase outside, our spelling inside, extras ignored.

    The text of a validation error never holds what was read: it may be a buyer's or a key.
    """

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="ignore", hide_input_in_errors=True
    )


def storable(text: str) -> str:
    """Return the text without what PostgreSQL cannot store: null characters, lone surrogates."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "").encode(errors="ignore").decode()


def only_objects(value: Any) -> list[dict[str, Any]]:
    """Return the JSON objects of a list; nothing where the value is no list."""
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def _or_nothing(value: Any, handler: Any) -> Any:
    try:
        return handler(value)
    except ValidationError:
        return None


def _text(value: Any) -> str | None:
    return storable(value) if isinstance(value, str) else None


def _only_texts(value: Any) -> list[str]:
    found = map(_text, value) if isinstance(value, list) else ()
    return [part for part in found if part]


def _moment(value: Any, handler: Any) -> dt.datetime | None:
    moment: dt.datetime | None = _or_nothing(value, handler)
    if moment is None:
        return None
    aware = moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment
    return aware.astimezone(dt.UTC) if EARLIEST <= aware <= LATEST else None


Lenient = WrapValidator(_or_nothing)
"""Reads a field of a wrong type as None."""
# One call into Python for each text of a job, of which there are dozens.
Text = Annotated[str | None, PlainValidator(_text)]
Texts = Annotated[list[str], PlainValidator(_only_texts)]
Whole = Annotated[Annotated[int, Field(ge=0, le=MOST)] | None, Lenient]
Minutes = Annotated[Annotated[int, Field(ge=0, le=LONGEST_MINUTES)] | None, Lenient]
Flag = Annotated[bool | None, Lenient]
Moment = Annotated[dt.datetime | None, WrapValidator(_moment)]
"""An aware time in UTC; one without a zone is taken for UTC."""
