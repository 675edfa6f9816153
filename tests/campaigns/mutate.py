"""Mutation testing of the fold and the aligner: ``python tests/campaigns/mutate.py [MODULE …]``.

One small change at a time (a comparison turned round, a statement dropped, arguments swapped …) is made to a module,
and the tests must notice. What they do not notice is printed: a gap in the tests, or a change that changes nothing.
The survivors of the last run are argued one by one in docs/explanation/mutation.md.

Why not mutmut (3.8 was tried, it works here): it drops no statements, leaves properties and constants of modules alone,
and most of what it changes is the text of a misfit. Here every mutant is a forked process with the mutated module in
place of the true one: first the recorded logs and a few hundred random logs against the naive fold (most mutants are
noticed within a second), then the test files by pytest. A mutant that takes too long counts as noticed.
"""

import argparse
import ast
import contextlib
import os
import pickle
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.abc import Loader, MetaPathFinder
from importlib.util import spec_from_loader
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

import click  # noqa: F401  (imported once, here, for every mutant)
import hypothesis.stateful  # noqa: F401
import jsonschema  # noqa: F401
import msgspec  # noqa: F401
import pytest

ROOT = Path(__file__).parent.parent.parent
FOLD = [
    *(
        f"model/test_{name}.py"
        for name in ("cluster", "replay", "homes", "tsp", "tsp_behaviour", "recovery", "machine", "worlds")
    ),
    "answers/test_message.py",
    "answers/test_device.py",
    "answers/test_impact.py",
]
TESTS = {
    "cti_es.model.recovery": FOLD,
    "cti_es.model.cluster": FOLD,
    "cti_es.model.tsp": FOLD,
    "cti_es.model.book": FOLD,
    "cti_es.model.whereabouts": FOLD,
    "cti_es.traces.diff.align": ["traces/diff/test_align.py", "traces/diff/test_compare.py"],
}
LOGS = 300
PATIENCE = 4
"""A mutant may take so many times as long as the true module, and a little more."""
MEMORY = 2 << 30
"""So many bytes: some mutants never stop to collect."""


class Mutation(NamedTuple):
    """A change: where, what it is, how it is made and unmade."""

    line: int
    what: str
    make: Callable[[], None]
    unmake: Callable[[], None]


# --- what can be changed --------------------------------------------------------------------------------------------

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
SKIPPED = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.AnnAssign, ast.Pass)


def put(owner: Any, field: str, index: int | None, new: ast.AST, what: str, line: int) -> Mutation:
    """The change that puts ``new`` where something stands."""
    place = owner if index is None else getattr(owner, field)
    old = getattr(owner, field) if index is None else place[index]
    new = ast.fix_missing_locations(ast.copy_location(new, old)) if hasattr(old, "lineno") else new

    def make(node: ast.AST = new) -> None:
        if index is None:
            setattr(owner, field, node)
        else:
            place[index] = node

    return Mutation(line, what, make, lambda: make(old))


def places(node: ast.AST) -> Iterator[tuple[str, int | None, ast.AST]]:
    """The children of a node, each with where it stands."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "type_comment", "decorator_list"):
            continue
        if isinstance(value, ast.AST):
            yield field, None, value
        elif isinstance(value, list):
            yield from ((field, index, one) for index, one in enumerate(value) if isinstance(one, ast.AST))


def mutations(owner: ast.AST) -> Iterator[Mutation]:
    """Everything that can be changed below a node."""
    for field, index, node in places(owner):
        if is_text(node) or is_type(node):
            continue
        line = getattr(node, "lineno", getattr(owner, "lineno", 0))
        for new, what in changed(node):
            yield put(owner, field, index, new, what, line)
        if field in ("body", "orelse") and isinstance(node, ast.stmt) and not isinstance(node, SKIPPED):
            yield put(owner, field, index, ast.Pass(), f"without: {first_line(node)}", line)
        yield from mutations(node)


def is_text(node: ast.AST) -> bool:
    """Docstrings, and text for people."""
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def is_type(node: ast.AST) -> bool:
    """What only a type checker reads."""
    named = node.value if isinstance(node, ast.Subscript) else node.func if isinstance(node, ast.Call) else None
    return isinstance(named, ast.Name) and named.id in ("Literal", "TypeVar")


def first_line(node: ast.AST) -> str:
    """The beginning of a statement or expression, as text."""
    return ast.unparse(node).split("\n")[0]


def changed(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """What may stand in place of a node."""
    for kind, others in OTHERS:
        if isinstance(node, kind):
            for new in others(node):
                new = ast.fix_missing_locations(ast.copy_location(new, node))
                if ast.dump(new) != ast.dump(node):
                    yield new, f"{first_line(node)}  ->  {first_line(new)}"


def other_comparisons(node: ast.Compare) -> Iterator[ast.AST]:
    """Turned round, or off by one."""
    if len(node.ops) == 1:
        yield from (ast.Compare(node.left, [other()], node.comparators) for other in COMPARISONS[type(node.ops[0])])


def other_conditions(node: ast.BoolOp) -> Iterator[ast.AST]:
    """The other connective, and without each part."""
    yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    for index in range(len(node.values)):
        rest = node.values[:index] + node.values[index + 1 :]
        yield rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)


def other_calls(node: ast.Call) -> Iterator[ast.AST]:
    """Neighbouring arguments swapped."""
    if not any(isinstance(one, ast.Starred) for one in node.args):
        for index in range(len(node.args) - 1):
            args = [*node.args]
            args[index], args[index + 1] = args[index + 1], args[index]
            yield ast.Call(node.func, args, node.keywords)


def other_loops(node: ast.For) -> Iterator[ast.AST]:
    """Backwards."""
    last_first = ast.Slice(None, None, ast.UnaryOp(ast.USub(), ast.Constant(1)))
    backwards = ast.Subscript(ast.Call(ast.Name("list", ast.Load()), [node.iter], []), last_first, ast.Load())
    yield ast.For(node.target, backwards, node.body, node.orelse)


def other_constants(node: ast.Constant) -> Iterator[ast.AST]:
    """Other values of the same type."""
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield from (ast.Constant(value + 1), ast.Constant(value - 1))
    elif isinstance(value, str):
        yield ast.Constant(value + "!")


OTHERS: list[tuple[type | tuple[type, ...], Callable[[Any], Iterator[ast.AST]]]] = [
    (ast.Compare, other_comparisons),
    (ast.BoolOp, other_conditions),
    (ast.Call, other_calls),
    (ast.For, other_loops),
    (ast.Constant, other_constants),
    (ast.UnaryOp, lambda node: iter([node.operand] if isinstance(node.op, (ast.Not, ast.USub)) else [])),
    (
        ast.BinOp,
        lambda node: (
            ast.BinOp(node.left, OPERATORS[kind](), node.right) for kind in [type(node.op)] if kind in OPERATORS
        ),
    ),
    (ast.IfExp, lambda node: iter([ast.IfExp(node.test, node.orelse, node.body)])),
    (ast.If, lambda node: iter([ast.If(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)])),
    (ast.Continue, lambda _: iter([ast.Break()])),
    (ast.Break, lambda _: iter([ast.Continue()])),
    (
        ast.Return,
        lambda node: iter([] if node.value is None or is_none(node.value) else [ast.Return(ast.Constant(None))]),
    ),
]
"""Kind of node → the nodes that may stand in its place."""


def is_none(node: ast.AST) -> bool:
    """Whether it is the constant None."""
    return isinstance(node, ast.Constant) and node.value is None


# --- a mutant -------------------------------------------------------------------------------------------------------


class Mutated(MetaPathFinder, Loader):
    """Imports the mutated module in place of the true one."""

    def __init__(self, module: str, code: CodeType, path: Path) -> None:
        self.module, self.code, self.path = module, code, path

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        """Only this module."""
        return spec_from_loader(fullname, self, origin=str(self.path)) if fullname == self.module else None

    def exec_module(self, module: Any) -> None:
        """Run the mutated code."""
        module.__file__ = str(self.path)
        exec(self.code, module.__dict__)


def forked(child: Callable[[], int], limit: float = 0) -> int:
    """Run this in a process of its own, silently, so many seconds at most; the exit code (of a signal: below 0)."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(int(limit))
        code = 99
        with contextlib.suppress(BaseException):
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, 1)
            os.dup2(null, 2)
            code = child()
        os._exit(code)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def quick(expected: bytes) -> int:
    """The recorded logs, and random logs against what the naive fold made of them. 0: nothing noticed."""
    from support import recording
    from support.strategies import fold

    from cti_es.model.replay import FOLD_VERSION

    if recording.all_digests() != recording.recorded()[str(FOLD_VERSION)]:
        return 1
    return int(any(tuple(fold(log)) != found for log, found in pickle.loads(expected)))


def slow(tests: list[str]) -> int:
    """The test files. 0: nothing noticed."""
    # Whether other broken folds are found out ("not broken") has nothing to do with this one.
    options = ["-x", "-q", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:randomly", "-k", "not broken"]
    return int(pytest.main([*options, *(str(ROOT / "tests" / one) for one in tests)]))


def naive_results() -> bytes:
    """Random logs and what the naive fold makes of them, made in a process of its own."""
    read, write = os.pipe()

    def child() -> int:
        from support import naive
        from support.strategies import random_log

        found = []
        for log in (random_log(seed) for seed in range(LOGS)):
            result = naive.fold(log)
            found.append((log, (result.messages, result.homes, result.misfits)))
        with os.fdopen(write, "wb") as stream:
            pickle.dump(found, stream)
        return 0

    pid = os.fork()
    if pid == 0:
        os._exit(child())
    os.close(write)
    with os.fdopen(read, "rb") as stream:
        data = stream.read()
    os.waitpid(pid, 0)
    return data


def main() -> None:
    """Mutate the modules that are asked for, all of them by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(TESTS)} (default: all)")
    parser.add_argument("--part", default="1/1", help="K/N: every N-th mutation from the K-th on, to share the work")
    parser.add_argument("--only", type=int, nargs="*", default=(), help="only mutations of these lines")
    parser.add_argument("--quick", action="store_true", help="no test files, the random logs only")
    options = parser.parse_args()
    os.chdir(ROOT)
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    sys.dont_write_bytecode = True
    expected = naive_results()
    part, parts = map(int, options.part.split("/"))
    for module in options.modules or TESTS:
        is_fold = TESTS[module] is FOLD
        run = [lambda: quick(expected)] if is_fold else []
        run += [] if options.quick else [lambda tests=TESTS[module]: slow(tests)]
        stages = []
        for stage in run:
            begun = time.monotonic()
            if code := forked(stage):
                sys.exit(f"the tests of {module} fail without any mutation: exit {code}")
            stages.append((stage, 20 + PATIENCE * (time.monotonic() - begun)))
        mutate(module, stages, part - 1, parts, options.only)


def mutate(module: str, stages: list[tuple[Callable[[], int], float]], part: int, parts: int, only: list[int]) -> None:
    """Try the mutations of a module; print the survivors and how many there were."""
    path = ROOT / (module.replace(".", "/") + ".py")
    tree = ast.parse(path.read_text("utf-8"))
    begun, counts = time.monotonic(), {"mutants": 0, "noticed": 0, "too long": 0, "survived": 0}
    for one in list(mutations(tree))[part::parts]:
        if only and one.line not in only:
            continue
        one.make()
        try:
            code = compile(tree, str(path), "exec")
        except (SyntaxError, ValueError):
            continue
        finally:
            one.unmake()
        counts["mutants"] += 1
        finder = Mutated(module, code, path)

        def child(stage: Callable[[], int], finder: Mutated = finder) -> int:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            sys.meta_path.insert(0, finder)
            return stage()

        ends = next((end for stage, limit in stages if (end := forked(partial(child, stage), limit))), 0)
        kind = "survived" if ends == 0 else "too long" if ends == -signal.SIGALRM else "noticed"
        counts[kind] += 1
        if kind == "survived":
            print(f"{path.name}:{one.line}: {one.what}", flush=True)
    print(f"{module}: {counts}, {time.monotonic() - begun:,.0f} s", flush=True)


if __name__ == "__main__":
    main()
