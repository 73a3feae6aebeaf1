import pytest

from mmcore.search.conditions.grammar import FUNCTIONS, RefusedError, columns_of

SIZE = {"class": "COLUMN_REF", "type": "COLUMN_REF", "column_names": ["size"]}


def function(name, *arguments, **fields):
    """A call, as DuckDB's tree has it."""
    return {
        "class": "FUNCTION",
        "type": "FUNCTION",
        "function_name": name,
        "schema": "",
        "order_bys": {"orders": []},
        "children": list(arguments),
        **fields,
    }


def test_columns_are_found_at_any_depth():
    """However deep a tree is, nothing is looked through by recursion."""
    tree = SIZE
    for _ in range(5000):
        tree = function("abs", tree)

    assert columns_of(tree) == [("size",)]


@pytest.mark.parametrize(
    "tree",
    [
        {"class": "SUBQUERY", "type": "SUBQUERY"},
        {"class": "PARAMETER", "type": "VALUE_PARAMETER"},
        {"class": "STAR", "type": "STAR"},
        {"class": "WINDOW", "type": "WINDOW_AGGREGATE"},
        {"class": "LAMBDA", "type": "LAMBDA"},
        {"class": "WHATEVER COMES NEXT", "type": "?"},
        {"class": "OPERATOR", "type": "OPERATOR_TRY", "children": []},
        {"class": "CAST", "cast_type": {"id": "ARRAY"}, "child": SIZE},
        {"class": "CAST", "type_expr": {"class": "TYPE", "type_name": "array"}, "child": SIZE},
        function("read_text", SIZE),
        function("lower", SIZE, schema="other"),
        function("lower", SIZE, distinct=True),
        function("lower", SIZE, filter=SIZE),
        function("lower", SIZE, order_bys={"orders": [SIZE]}),
    ],
)
def test_what_is_not_known_to_be_harmless_is_refused(tree):
    """Also where it is an argument of something that may be said."""
    with pytest.raises(RefusedError):
        columns_of(tree)
    with pytest.raises(RefusedError):
        columns_of(function("abs", tree))


@pytest.mark.parametrize(
    "name", ["||", "concat", "repeat", "lpad", "replace", "range", "format", "list_transform"]
)
def test_no_function_makes_values_grow(name):
    """Ten thousand characters of such calls would make gigabytes."""
    assert name not in FUNCTIONS


@pytest.mark.parametrize(
    "name", ["now", "random", "uuid", "getenv", "current_setting", "getvariable", "nextval"]
)
def test_no_function_looks_elsewhere(name):
    """Not at a file, a setting or the clock: an answer is kept, and has to stay true."""
    assert name not in FUNCTIONS
