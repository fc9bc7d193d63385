"""Files that a page hands out."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence

from django.http import StreamingHttpResponse


class _Echo:
    """A file whose ``write`` gives the line back, for streaming."""

    def write(self, line: str) -> str:
        return line


def csv_file(rows: Iterable[Sequence[str]], name: str) -> StreamingHttpResponse:
    """A CSV file of that name, sent row by row as the rows are made."""
    writer = csv.writer(_Echo())
    response = StreamingHttpResponse(
        (writer.writerow(row) for row in rows), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
