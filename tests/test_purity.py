"""The fold is pure: no clock, no chance, no outside world, and no set whose order could reach what it gives."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import ROOT

PURE = [*sorted((ROOT / "cti_es" / "model").glob("*.py")), ROOT / "cti_es" / "answers" / "notes.py"]
"""The modules that are held to it."""

IMPURE_MODULES = {
    "asyncio", "builtins", "calendar", "cli", "click", "cti_es_cli", "datetime", "glob", "importlib", "io", "locale",
    "logging", "multiprocessing", "os", "pathlib", "platform", "random", "secrets", "shutil", "signal", "socket",
    "sqlite3", "sqlite_utils", "subprocess", "sys", "tempfile", "threading", "time", "urllib", "uuid", "weakref",
    "cti_es.logs.append", "cti_es.logs.clock", "cti_es.traces", "cti_es.logs.reading", "cti_es.logs.store", "cti_es.logs.verify",
}  # fmt: skip
IMPURE_NAMES = {"open", "print", "input", "exec", "eval", "compile", "__import__", "globals", "id", "hash"}
IMPURE_ATTRIBUTES = {"environ", "environb", "getenv", "now", "utcnow", "today", "monotonic", "perf_counter", "urandom"}
ORDERLESS = {"len", "sorted", "min", "max", "any", "all", "set", "frozenset", "bool"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
SET_METHODS = {"union", "intersection", "difference", "symmetric_difference", "copy"}


def impurities(source: str) -> list[str]:
    """What in a module's source could make the same log give something else, each with its line."""
    tree = ast.parse(source)
    found = [*_outside(tree), *_unordered(tree)]
    return [f"line {line}: {what}" for line, what in sorted(set(found))]


def _outside(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from ((node.lineno, f"imports {name}") for name in _imported(node) if _is_impure(name))
        elif isinstance(node, ast.Name) and node.id in IMPURE_NAMES:
            yield node.lineno, f"uses {node.id}"
        elif isinstance(node, ast.Attribute) and node.attr in IMPURE_ATTRIBUTES:
            yield node.lineno, f"uses {node.attr}"


def _imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [f"{node.module or ''}.{alias.name}".lstrip(".") for alias in node.names]


def _is_impure(name: str) -> bool:
    parts = name.split(".")
    return any(".".join(parts[: length + 1]) in IMPURE_MODULES for length in range(len(parts)))


def _unordered(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Sets may be asked, measured, compared and sorted; whatever else is done with one could show its order."""
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in _passed_on(tree):
        parents[node] = ast.Expr()
    yield from _unordered_in(tree, _attributes_of_sets(tree), parents)


def _passed_on(tree: ast.AST) -> Iterator[ast.AST]:
    """Arguments for a parameter of this module that is annotated as a set: what is done with it is looked at there."""
    takers: dict[str, list[bool]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            own = [one for one in node.args.args if one.arg != "self"]
            takers[node.name] = [bool(one.annotation and _is_set_type(one.annotation)) for one in own]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
            yield from (one for one, taken in zip(node.args, takers.get(name, []), strict=False) if taken)


def _unordered_in(scope: ast.AST, known: set[str], parents: dict[ast.AST, ast.AST]) -> Iterator[tuple[int, str]]:
    names = known | _names_of_sets(scope, known)
    for node in _inside(scope):
        if isinstance(node, FUNCTIONS):
            yield from _unordered_in(node, names, parents)
        elif _is_set(node, names) and not _is_harmless(node, parents[node]):
            yield node.lineno, f"the order of {ast.unparse(node)}"  # type: ignore[attr-defined]


def _inside(scope: ast.AST) -> Iterator[ast.AST]:
    """What a module or function holds itself; the functions in it, but not what they hold."""
    for node in ast.iter_child_nodes(scope):
        yield node
        if not isinstance(node, FUNCTIONS):
            yield from _inside(node)


def _attributes_of_sets(tree: ast.AST) -> set[str]:
    """Attributes that hold sets, with a dot in front: any function may have the object."""
    known = _names_of_sets(tree, set(), ast.walk)
    attributes: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            fields = [field for field in node.body if isinstance(field, ast.AnnAssign)]
            attributes |= {f".{ast.unparse(field.target)}" for field in fields if _is_set_type(field.annotation)}
        elif isinstance(node, ast.Assign) and _is_set(node.value, known):
            attributes |= {f".{target.attr}" for target in node.targets if isinstance(target, ast.Attribute)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Attribute):
            attributes |= {f".{node.target.attr}"} if _is_set_type(node.annotation) else set()
    return attributes


def _names_of_sets(scope: ast.AST, known: set[str], walk: Callable[[ast.AST], Iterator[ast.AST]] = _inside) -> set[str]:
    names: set[str] = set()
    for node in walk(scope):
        if isinstance(node, ast.Assign) and _is_set(node.value, known | names):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, (ast.AnnAssign, ast.arg)) and node.annotation is not None:
            target = node.arg if isinstance(node, ast.arg) else ast.unparse(node.target)
            names |= {target} if _is_set_type(node.annotation) else set()
    return names


def _is_set_type(annotation: ast.AST) -> bool:
    bare = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    return isinstance(bare, ast.Name) and bare.id in ("set", "frozenset", "Set", "AbstractSet", "MutableSet")


def _is_set(node: ast.AST, names: set[str]) -> bool:
    if isinstance(node, (ast.Set, ast.SetComp)):
        return True
    if isinstance(node, ast.Name):
        return node.id in names and isinstance(node.ctx, ast.Load)
    if isinstance(node, ast.Attribute):
        return f".{node.attr}" in names and isinstance(node.ctx, ast.Load)
    if isinstance(node, ast.BinOp):
        return _is_set(node.left, names) or _is_set(node.right, names)
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute):
            return node.func.attr in SET_METHODS and _is_set(node.func.value, names)
        return isinstance(node.func, ast.Name) and node.func.id in ("set", "frozenset")
    return False


def _is_harmless(node: ast.AST, parent: ast.AST) -> bool:
    if isinstance(parent, ast.Call):
        return isinstance(parent.func, ast.Name) and parent.func.id in ORDERLESS and node in parent.args
    if isinstance(parent, ast.Attribute):
        return parent.attr != "pop"
    return isinstance(
        parent,
        (ast.Compare, ast.BoolOp, ast.UnaryOp, ast.BinOp, ast.If, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr),
    )


@pytest.mark.parametrize("module", PURE, ids=lambda module: module.stem)
def test_fold_is_pure(module: Path) -> None:
    """Nothing in the fold asks for the time, chance or the outside world, or shows the order of a set."""
    assert impurities(module.read_text(encoding="utf-8")) == []


BAD = {
    "import time": "line 1: imports time",
    "import os.path as p": "line 1: imports os.path",
    "from datetime import datetime": "line 1: imports datetime.datetime",
    "def f():\n    from random import Random": "line 2: imports random.Random",
    "import uuid, json": "line 1: imports uuid",
    "from sqlite3 import connect": "line 1: imports sqlite3.connect",
    "import click": "line 1: imports click",
    "from cti_es.logs import clock": "line 1: imports cti_es.logs.clock",
    "from cti_es.logs.store.base import Row": "line 1: imports cti_es.logs.store.base.Row",
    "print('told')": "line 1: uses print",
    "x = open('f').read()": "line 1: uses open",
    "key = id(x)": "line 1: uses id",
    "found = elsewhere.environ['X']": "line 1: uses environ",
    "at = moment.now()": "line 1: uses now",
    "for x in {1, 2}: tell(x)": "line 1: the order of {1, 2}",
    "for x in set(names): tell(x)": "line 1: the order of set(names)",
    "for x in frozenset(names): tell(x)": "line 1: the order of frozenset(names)",
    "[x for x in {n for n in names}]": "line 1: the order of {n for n in names}",
    "list(set(names))": "line 1: the order of set(names)",
    "tuple({1})": "line 1: the order of {1}",
    "','.join(set(names))": "line 1: the order of set(names)",
    "tell(*set(names))": "line 1: the order of set(names)",
    "def f(): return set(names)": "line 1: the order of set(names)",
    "x = set(names)\nfor y in x: tell(y)": "line 2: the order of x",
    "def f(x: set[str]):\n    yield from x": "line 2: the order of x",
    "class A:\n    x: set[str]\ndef f(a):\n    return list(a.x)": "line 4: the order of a.x",
    "def f(self, x):\n    self.x = set(x)\ndef g(self):\n    return list(self.x)": "line 4: the order of self.x",
    "def f(self):\n    self.x: set[str] = empty()\ndef g(a):\n    yield from a.x": "line 4: the order of a.x",
    "class A:\n    def f(self, x: set[str]):\n        self.y = x\ndef g(a):\n    tell(*a.y)": "line 5: the order of a.y",
    "x = set(names)\ndef f():\n    for y in x: tell(y)": "line 3: the order of x",
    "def f(x: set[str]):\n    return lambda: list(x)": "line 2: the order of x",
    "def f(x: set[str], y):\n    len(x)\nf({1}, {2})": "line 3: the order of {2}",
    "def f(x: set[str], y):\n    tell(*x)\nf({1}, 2)": "line 2: the order of x",
    "for x in set(a) | known: tell(x)": "line 1: the order of set(a) | known",
    "for x in set(a).union(b): tell(x)": "line 1: the order of set(a).union(b)",
    "x = set(names).pop()": "line 1: the order of set(names)",
}


@pytest.mark.parametrize(("source", "found"), BAD.items(), ids=BAD)
def test_check_finds_what_is_impure(source: str, found: str) -> None:
    """The check itself is able to fail: it finds each of these."""
    assert impurities(source) == [found]


@pytest.mark.parametrize(
    "source",
    [
        "import msgspec\nfrom collections.abc import Iterator\nfrom cti_es.vocabulary import events",
        "if len(set(names)) != len(names): refuse()",
        "if name in {'a', 'b'}: tell(name)",
        "for name in sorted(set(names)): tell(name)",
        "seen = set()\nseen.add(name)\nif name not in seen: tell(name)",
        "for name in dict.fromkeys(names): tell(name)",
        "self.steps.pop()",
        "class A:\n    def f(self, x: set[str]):\n        return 'a' in x\n    def g(self):\n        self.f({1, 2})",
        "def f(x: set[str]):\n    return 'a' in x\ndef g(x, a):\n    return [*x, *a.x]",
    ],
)
def test_check_lets_pass_what_is_pure(source: str) -> None:
    """Sets that are only asked, measured, compared or sorted are no fault."""
    assert impurities(source) == []
