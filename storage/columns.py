"""Columns that came with a later schema version: null where a part is older."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from storage.schemas import BOX, SINCE

_NUMBERS: Final = BOX.list_size


def late_fields(like: pa.Schema, version: int) -> dict[str, pa.Field]:
    """The columns of ``like`` that no part of the schema ``version`` has, by name."""
    return {field.name: field for field in like if SINCE.get(field.name, 0) > version}


def in_order(stored: Sequence[str], like: pa.Schema, version: int) -> list[str]:
    """All columns of a part as ``like`` has them today, and then what else is ``stored``."""
    known = {*stored, *late_fields(like, version)}
    first = [name for name in like.names if name in known]
    return [*first, *(name for name in stored if name not in like.names)]


def widened(
    rows: pa.Table, names: Sequence[str], late: Mapping[str, pa.Field], count: int
) -> pa.Table:
    """The columns ``names`` of ``count`` rows, in that order; the ``late`` ones are null."""
    lacking = [name for name in names if name in late and name not in rows.column_names]
    if not lacking:
        return rows.select(names)
    fields = [late[name] if name in lacking else rows.schema.field(name) for name in names]
    columns = [
        pa.nulls(count, field.type) if field.name in lacking else rows[field.name]
        for field in fields
    ]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def comparable(rows: pa.Table) -> pa.Table:
    """The rows with each number of a box in a column of its own: Arrow compares no lists."""
    for name in [field.name for field in rows.schema if field.type == BOX]:
        numbers = [pc.list_element(rows[name], at) for at in range(_NUMBERS)]
        rows = rows.drop_columns([name])
        for at, column in enumerate(numbers):
            rows = rows.append_column(f"{name} {at}", column)
    return rows
