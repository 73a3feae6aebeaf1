"""The stages and reasons of all `MediaError`s that the sources can raise, read by their syntax."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from storage.schemas import Modality

ERROR = "MediaError"
FORWARDED = {"mmcore/media/opening.py", "mmcore/media/crawl.py", "mmcore/search/asking/apart.py"}
"""They pass on reasons that are made elsewhere, as those of ``faults.FAULTS``."""
REASON = re.compile(r"[a-z]+(?:-[a-z]+)*")
DEEPEST = 6  # calls of calls


@dataclass
class Sources:
    """The modules of a package, and who calls what in them, by the function's bare name."""

    trees: dict[str, ast.Module] = field(default_factory=dict)
    calls: dict[str, list[tuple[str, ast.Call]]] = field(default_factory=lambda: defaultdict(list))
    froms: dict[str, list[ast.ImportFrom]] = field(default_factory=lambda: defaultdict(list))
    inside: dict[int, list[ast.AST]] = field(default_factory=dict)  # name → the functions around
    of_module: dict[int, str] = field(default_factory=dict)  # function that is no method → module

    @classmethod
    def of(cls, folder: Path) -> Sources:
        """Read every module below ``folder``."""
        found = cls()
        for path in sorted(folder.rglob("*.py")):
            name = str(path.relative_to(folder.parent))
            found.trees[name] = tree = ast.parse(path.read_text("utf-8"))
            found.of_module |= {
                id(one): name for one in tree.body if isinstance(one, ast.FunctionDef)
            }
            found._index(name, tree, [])
        return found

    def _index(self, name: str, node: ast.AST, around: list[ast.AST]) -> None:
        if isinstance(node, ast.Name):
            self.inside[id(node)] = around
        elif isinstance(node, ast.ImportFrom):
            self.froms[name].append(node)
        elif isinstance(node, ast.Call) and not _of_text(node):
            self.calls[_bare(node.func)].append((name, node))
        elif isinstance(node, ast.FunctionDef):
            around = [*around, node]
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.expr_context | ast.Constant):
                self._index(name, child, around)

    def values(self, module: str, node: ast.expr, depth: int = 0) -> Iterator[str]:
        """The texts that an expression may have; None that can be told is no text."""
        if depth > DEEPEST:
            return
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.IfExp(body=body, orelse=orelse):
                yield from self.values(module, body, depth + 1)
                yield from self.values(module, orelse, depth + 1)
            case ast.Name(id=name):
                yield from self._named(module, node, name, depth)
            case (
                ast.Subscript(value=table) | ast.Call(func=ast.Attribute(value=table, attr="get"))
            ):
                yield from self._held(module, table)

    def _held(self, module: str, table: ast.expr) -> Iterator[str]:
        """What may be a reason among the values of a mapping that is a constant of a module."""
        for name in [one.id for one in ast.walk(table) if isinstance(one, ast.Name)]:
            _, found = self._constant(module, name)
            dicts = [one for one in ast.walk(found or ast.Pass()) if isinstance(one, ast.Dict)]
            for value in (value for one in dicts for value in one.values):
                texts = [one.value for one in ast.walk(value) if isinstance(one, ast.Constant)]
                yield from (text for text in texts if REASON.fullmatch(str(text)))

    def _constant(self, module: str, name: str) -> tuple[str, ast.expr | None]:
        """What a name of a module stands for, and in which module that is said."""
        for node in self.trees.get(module, ast.Module([], [])).body:
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    if (alias.asname or alias.name) == name:
                        return self._constant(f"{node.module.replace('.', '/')}.py", alias.name)
            if isinstance(node, ast.Assign | ast.AnnAssign) and _binds(node, type(node), name):
                return module, node.value
        return module, None

    def _named(self, module: str, node: ast.Name, name: str, depth: int) -> Iterator[str]:
        """The texts of a name: of an argument by the calls, of a variable, of a constant."""
        for function in reversed(self.inside[id(node)]):
            assert isinstance(function, ast.FunctionDef)
            looped = [one.iter for one in ast.walk(function) if _binds(one, ast.For, name)]
            for table in looped:
                yield from self._held(module, table)
            given = list(self._given(function, name)) or [
                (module, one.value) for one in ast.walk(function) if _binds(one, ast.Assign, name)
            ]
            if given or looped:
                for where, value in given:
                    yield from self.values(where, value, depth + 1)
                return
        where, found = self._constant(module, name)
        if found is not None:
            yield from self.values(where, found, depth + 1)

    def _given(self, function: ast.FunctionDef, name: str) -> Iterator[tuple[str, ast.expr]]:
        """What the calls of a function give for one of its arguments, each with its module."""
        arguments = [one.arg for one in function.args.args + function.args.kwonlyargs]
        if name not in arguments:
            return
        place = arguments.index(name) - (arguments[0] in {"self", "cls"})
        for where, call in self.calls[function.name]:
            if not self._knows(where, function):
                continue
            named = {key.arg: key.value for key in call.keywords}
            if name in named:
                yield where, named[name]
            elif place < len(call.args):
                yield where, call.args[place]

    def _knows(self, module: str, function: ast.FunctionDef) -> bool:
        """Whether a module can mean this function by its name; of methods any module can."""
        home = self.of_module.get(id(function), module)
        if home == module:
            return True
        package, _, leaf = home.removesuffix(".py").replace("/", ".").rpartition(".")
        names = {function.name, leaf}
        return any(
            one.module in {package, f"{package}.{leaf}"}
            and any(alias.name in names for alias in one.names)
            for one in self.froms[module]
        )


def raised_reasons(folder: Path) -> set[tuple[str, str]]:
    """Stage and reason of each; AssertionError where a reason cannot be told from the sources.

    A stage that cannot be told is the medium of what is decoded, so it may be any.
    """
    sources = Sources.of(folder)
    found: set[tuple[str, str]] = set()
    for module, call in sources.calls[ERROR]:
        if len(call.args) < 2 or any(isinstance(one, ast.Starred) for one in call.args):
            continue  # what came from another process, made anew
        stages = set(sources.values(module, call.args[0])) or {str(one) for one in Modality}
        reasons = set(sources.values(module, call.args[1]))
        assert reasons or module in FORWARDED, f"{module}:{call.lineno}: which reason?"
        found |= {(stage, reason) for stage in stages for reason in reasons}
    return found


def _of_text(call: ast.Call) -> bool:
    """Whether a call is `text.encode("utf-8")` and its like, which no function of ours is."""
    named = isinstance(call.func, ast.Attribute) and call.func.attr in {"encode", "decode"}
    return named and bool(call.args) and isinstance(call.args[0], ast.Constant)


def _binds(node: ast.AST, kind: type[ast.AST], name: str) -> bool:
    """Whether a statement of a kind gives a name its value."""
    if not isinstance(node, kind):
        return False
    targets = getattr(node, "targets", None) or [node.target]
    return any(getattr(one, "id", "") == name for to in targets for one in ast.walk(to))


def _bare(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))
