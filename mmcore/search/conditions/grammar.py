"""What a condition may say: comparisons of columns, and functions that neither act nor grow.

Everything is refused that is not known to be harmless, so what a later DuckDB brings is, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mmcore.search.notes import Note

Ref = tuple[str, ...]
"""A column as it is written: ``("size",)``, ``("files", "size")``, ``("place", "city")``."""


def _words(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


_CLASSES: Final = _words(
    "COLUMN_REF CONSTANT COMPARISON CONJUNCTION OPERATOR BETWEEN CASE CAST FUNCTION TYPE",
)

_OPERATORS: Final = _words(
    "OPERATOR_NOT OPERATOR_IS_NULL OPERATOR_IS_NOT_NULL COMPARE_IN COMPARE_NOT_IN",
    "OPERATOR_COALESCE OPERATOR_NULLIF ARRAY_EXTRACT ARRAY_SLICE STRUCT_EXTRACT",
    "ARRAY_CONSTRUCTOR",
)

_SIGNS: Final = _words(
    "+ - * / // % ~~ !~~ ~~* !~~* ~~~ ^@ && @> <@ like_escape not_like_escape ilike_escape",
    "not_ilike_escape",
)

_NOTHING: Final = "row"
"""What DuckDB makes of brackets around nothing, as around a comment."""

_TEXTS: Final = _words(
    "lower upper length len strlen trim ltrim rtrim contains starts_with prefix suffix",
    "ends_with instr strpos position substring substr left right strip_accents split_part",
    "regexp_matches regexp_full_match",
)

_LISTS: Final = _words(
    "list_value list_contains list_has array_contains array_has list_has_any list_has_all",
    "array_has_any array_has_all array_length list_position list_extract array_extract",
    "element_at map_extract struct_extract",
)

_NUMBERS: Final = _words(
    "abs round floor ceil ceiling trunc sqrt ln log mod greatest least isnan isinf",
    "isfinite",
)

_TIMES: Final = _words(
    "year quarter month week day hour minute second dayofweek isodow dayofyear date_part",
    "datepart date_trunc datetrunc date_diff datediff make_date epoch to_years to_months",
    "to_weeks to_days to_hours to_minutes to_seconds",
)

FUNCTIONS: Final = _SIGNS | _TEXTS | _LISTS | _NUMBERS | _TIMES
"""None reads a file, a setting, the clock or chance, and none makes texts that grow: ``||``,
``repeat``, ``replace`` and the like, of which a short condition makes gigabytes."""

TYPES: Final = _words(
    "BOOLEAN BOOL LOGICAL TINYINT INT1 SMALLINT INT2 SHORT INTEGER INT INT4 SIGNED BIGINT",
    "INT8 LONG HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT UHUGEINT REAL FLOAT FLOAT4",
    "DOUBLE FLOAT8 DECIMAL NUMERIC DEC VARCHAR TEXT STRING CHAR BPCHAR DATE TIME TIMESTAMP",
    "DATETIME TIMESTAMP_S TIMESTAMP_MS TIMESTAMP_NS INTERVAL UUID",
)
"""What a cast may make; arrays have as many numbers as their type says, which may be billions."""


class RefusedError(Exception):
    """A condition that is none, or says what it may not; the note ends a sentence."""

    def __init__(self, note: Note) -> None:
        self.note = note
        super().__init__(note)


def columns_of(tree: object) -> list[Ref]:
    """The columns that a condition names, in any order; RefusedError for what it may not say.

    ``tree`` is the condition as DuckDB's ``json_serialize_sql`` has it.
    """
    found: list[Ref] = []
    for node in _nodes(tree):
        kind = node["class"]
        if kind not in _CLASSES:
            raise RefusedError(_why_not(str(kind)))
        if kind == "COLUMN_REF":
            found.append(tuple(map(str, node["column_names"])))
        elif kind in _CHECKS:
            _CHECKS[kind](node)
    return found


def _nodes(tree: object) -> Iterator[Mapping[str, Any]]:
    """All expressions of a tree; what is in one comes after it. Trees may be deep."""
    left = [tree]
    while left:
        one = left.pop()
        if isinstance(one, Mapping):
            if "class" in one:
                yield one
            left.extend(one.values())
        elif isinstance(one, list):
            left.extend(one)


def _check_function(node: Mapping[str, Any]) -> None:
    name = str(node["function_name"]).lower()
    if name == _NOTHING:
        raise RefusedError(Note("where-one"))
    if name not in FUNCTIONS:
        known = tuple(sorted(FUNCTIONS - _SIGNS))
        raise RefusedError(Note("where-function", name=name, known=known))
    orders = (node.get("order_bys") or {}).get("orders")
    more = (node.get(one) for one in ("schema", "catalog", "filter", "distinct"))
    if orders or any(more):
        raise RefusedError(Note("where-values", name=name))


def _check_operator(node: Mapping[str, Any]) -> None:
    if node["type"] not in _OPERATORS:
        raise RefusedError(Note("where-not-here", what=str(node["type"])))


def _check_cast(node: Mapping[str, Any]) -> None:
    """The type of a cast of DuckDB 1; in 2 it is an expression of its own."""
    told = node.get("cast_type")
    if told is not None and str(told["id"]).upper() not in TYPES:
        raise RefusedError(Note("where-cast", type=str(told["id"]).lower()))


def _check_type(node: Mapping[str, Any]) -> None:
    name = str(node["type_name"]).upper()
    if name not in TYPES or node.get("schema") or node.get("catalog"):
        raise RefusedError(Note("where-cast", type=name.lower()))


_CHECKS: Final = {
    "FUNCTION": _check_function,
    "OPERATOR": _check_operator,
    "CAST": _check_cast,
    "TYPE": _check_type,
}

_REASONS: Final = {
    "SUBQUERY": "where-select",
    "PARAMETER": "where-placeholder",
    "STAR": "where-star",
    "WINDOW": "where-window",
    "LAMBDA": "where-lambda",
}


def _why_not(kind: str) -> Note:
    if kind in _REASONS:
        return Note(_REASONS[kind])
    return Note("where-not-here", what=kind.lower())
