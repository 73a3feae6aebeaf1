"""Tests of mmcore/registry.py."""

import sys

import pytest

from mmcore.errors import ConfigError, UnknownPluginError
from mmcore.registry import Registry
from tests.declared import declare

GROUP = "mmindex.tests"
REGISTRY: Registry = Registry(GROUP, "thing")


def test_a_declared_name_is_imported_when_asked_for(monkeypatch, tmp_path):
    """names() imports nothing; get() returns the object that the entry point names."""
    (tmp_path / "declared_thing.py").write_text("VALUE = 7\n")
    declare(monkeypatch, tmp_path, GROUP, {"seven": "declared_thing:VALUE"})

    assert REGISTRY.names() == ("seven",)
    assert "declared_thing" not in sys.modules
    assert REGISTRY.get("seven") == 7
    monkeypatch.delitem(sys.modules, "declared_thing")


def test_an_unknown_name_lists_the_known_ones(monkeypatch, tmp_path):
    """The error has the kind, the name and what there is, sorted."""
    declare(monkeypatch, tmp_path, GROUP, {"b": "json:dumps", "a": "json:loads"})

    with pytest.raises(UnknownPluginError, match="no thing named 'c'; known: a, b") as caught:
        REGISTRY.get("c")
    assert caught.value.known == ("a", "b")


def test_an_empty_registry_says_so():
    """Without any declaration the list of known names is "none"."""
    with pytest.raises(UnknownPluginError, match="known: none"):
        REGISTRY.get("a")


def test_a_name_declared_twice_is_refused(monkeypatch, tmp_path):
    """Two packages that give one name different objects are a ConfigError, never a choice."""
    declare(monkeypatch, tmp_path / "1", GROUP, {"a": "json:dumps"}, name="one")
    declare(monkeypatch, tmp_path / "2", GROUP, {"a": "json:loads"}, name="two")

    with pytest.raises(ConfigError, match="'a' is declared twice"):
        REGISTRY.names()


def test_the_same_declaration_twice_is_one(monkeypatch, tmp_path):
    """A package that is found twice on the path (editable and built) declares once."""
    declare(monkeypatch, tmp_path / "1", GROUP, {"a": "json:dumps"}, name="one")
    declare(monkeypatch, tmp_path / "2", GROUP, {"a": "json:dumps"}, name="two")

    assert REGISTRY.names() == ("a",)
