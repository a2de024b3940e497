"""How much do the checks see? Small changes of each stored answer, which the checks must refuse.

    python tests/mutants.py 04      one lesson: every mutant that passed, and the figure
    python tests/mutants.py all     the whole course

A mutant that is the same function is excused in tests/wrong_answers/NN_name.py, in a cell whose
head is ``# %% tensors-3 same: the reason in words`` and whose lines are ``# old => new``, as
printed here (with or without the operator's name before it). Exercises tagged ``build`` are left out: training makes every small change pass.
"""

# Why by hand: cosmic-ray and mutmut change files of a project that they configure, and know neither
# axes, wired-in arguments nor in-place changes; ast is enough for all of these.

from __future__ import annotations

import ast
import copy
import functools
import inspect
import io
import os
import random
import signal
import sys
import threading
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))
import numpy as np
import torch

from lesson import REGION
from test_answers import HERE, LESSONS, check_of, exercises, plt, story_before, variants, verdict

MOST, MOST_SLOW = 20, 8  # mutants an exercise
SLOW, LONGEST = 0.4, 3.0  # seconds of a check

BINARY: dict[type, list[type]] = {
    ast.Add: [ast.Sub], ast.Sub: [ast.Add], ast.Mult: [ast.Div], ast.Div: [ast.Mult, ast.FloorDiv],
    ast.FloorDiv: [ast.Div], ast.Mod: [ast.FloorDiv], ast.Pow: [ast.Mult], ast.MatMult: [ast.Mult],
    ast.BitAnd: [ast.BitOr], ast.BitOr: [ast.BitAnd],
}  # fmt: skip
COMPARE: dict[type, list[type]] = {
    ast.Lt: [ast.LtE, ast.Gt], ast.LtE: [ast.Lt, ast.GtE], ast.Gt: [ast.GtE, ast.Lt],
    ast.GtE: [ast.Gt, ast.LtE], ast.Eq: [ast.NotEq], ast.NotEq: [ast.Eq], ast.In: [ast.NotIn],
    ast.NotIn: [ast.In], ast.Is: [ast.IsNot], ast.IsNot: [ast.Is],
}  # fmt: skip
PAIRS = "sum mean, max min, amax amin, argmax argmin, any all, zeros ones, zeros_like ones_like, train eval, ceil floor, log log2, append insert, exp expm1"
OTHER_CALL = {a: b for pair in PAIRS.split(", ") for a, b in (pair.split(), pair.split()[::-1])}
OTHER_CALL |= {"std": "var", "var": "std", "log1p": "log", "split": "chunk", "chunk": "split"}
COMMUTATIVE = ast.Add | ast.Mult | ast.BitAnd | ast.BitOr
OTHER_TEXT = {"none": "mean", "mean": "sum", "sum": "mean"}
OTHER_AXIS = {0: 1, 1: 0, 2: 1, 3: 2, -1: 0, -2: -1}
ON_AXES = "sum mean std var amax amin argmax argmin softmax log_softmax unsqueeze squeeze cumsum stride size"
MODULES = {"torch", "nn", "F", "math", "np", "pd", "optim", "copy", "super()"}
SYMMETRIC = {"max", "min", "add", "equal", "transpose", "logaddexp", "isinstance", "getattr"}
NEEDED = {"len", "range", "super", "isinstance", "next", "list", "tuple", "enumerate", "iter"}


@dataclass(frozen=True)
class Mutant:
    operator: str
    old: str  # the changed statement's first line, and what became of it
    new: str
    source: str

    @property
    def line(self) -> str:
        return f"{self.old} => {self.new}"

    def __str__(self) -> str:
        return f"{self.operator}: {self.line}"


def replacements(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """(operator, what to put in the node's place)."""

    def remade(**fields: Any) -> Any:
        new = copy.copy(node)
        for name, value in fields.items():
            setattr(new, name, value)
        return new

    v: Any
    match node:
        case ast.Constant(value=bool(v)):
            yield "constant", ast.Constant(not v)
        case ast.Constant(value=int(v)):
            yield from (("constant", ast.Constant(new)) for new in (v + 1, v - 1, 0))
        case ast.Constant(value=float(v)):
            choices = v * 2, v / 2, 0.0 if v else 1.0
            yield from (("constant", ast.Constant(new)) for new in choices)
        case ast.Constant(value=str(text)) if text in OTHER_TEXT:
            yield "constant", ast.Constant(OTHER_TEXT[text])
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert()):
            yield "sign", node.operand
        case ast.BinOp() | ast.AugAssign():
            for kind in BINARY.get(type(node.op), []):
                yield "arithmetic", remade(op=kind())
            if isinstance(node, ast.BinOp) and not isinstance(node.op, COMMUTATIVE):
                yield "order", remade(left=node.right, right=node.left)
        case ast.Compare(ops=[op]):
            for kind in COMPARE.get(type(op), []):
                yield "comparison", remade(ops=[kind()])
        case ast.BoolOp(op=op, values=parts):
            yield "logic", remade(op=ast.Or() if isinstance(op, ast.And) else ast.And())
            yield from (("logic", part) for part in parts)
        case ast.IfExp(body=a, orelse=b):
            yield from (("branch", part) for part in (a, b))
        case ast.If():
            yield from (("branch", remade(test=ast.Constant(value))) for value in (True, False))
        case ast.comprehension(ifs=[_, *_]):
            yield "branch", remade(ifs=[])
        case ast.Slice():
            for side, sign in (("lower", ast.Add()), ("upper", ast.Sub())):
                if (end := getattr(node, side)) is not None:
                    yield "slice", remade(**{side: ast.BinOp(end, sign, ast.Constant(1))})
                    yield "slice", remade(**{side: None})
        case ast.Tuple(elts=[a, b]) if _names(node)[1]:
            yield "order", remade(elts=[b, a])
        case ast.With():
            yield "statement", ast.If(ast.Constant(True), node.body, [])
        case ast.Expr() | ast.Continue() | ast.Break():
            yield "statement", ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield "statement", ast.Pass()
        case ast.Assign() if set.intersection(*_names(node)):  # x = f(x)
            yield "statement", ast.Pass()
        case ast.Call():
            yield from _calls(node, remade)
    if isinstance(node, ast.AugAssign):
        yield "statement", ast.Pass()


def _calls(node: ast.Call, remade: Any) -> Iterator[tuple[str, ast.AST]]:
    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    method = owner is not None and ast.unparse(owner).split(".")[0] not in MODULES
    for n, keyword in enumerate(node.keywords):
        others = [*node.keywords[:n], *node.keywords[n + 1 :]]
        if _axis_at(keyword, "value", 0) and (axis := _axis(keyword.value)):
            changed = ast.keyword(keyword.arg, axis)
            yield "axis", remade(keywords=[*node.keywords[:n], changed, *node.keywords[n + 1 :]])
        if keyword.arg not in (None, "strict"):
            yield "keyword", remade(keywords=others)
    if node.args and _axis_at(node, "args", 0) and (axis := _axis(node.args[0])):
        yield "axis", remade(args=[axis, *node.args[1:]])
    if len(node.args) == 2 and name not in SYMMETRIC:
        yield "order", remade(args=node.args[::-1])
    if name == "range" and node.args:
        fewer = ast.BinOp(node.args[-1], ast.Sub(), ast.Constant(1))
        yield "range", remade(args=[*node.args[:-1], fewer])
    if method:
        yield "link", owner  # type: ignore[misc]
    elif len(node.args) == 1 and not node.keywords and name not in NEEDED:
        yield "link", node.args[0]
    if name in OTHER_CALL:
        other = copy.copy(node.func)
        setattr(other, "attr" if owner is not None else "id", OTHER_CALL[name])
        yield "call", remade(func=other)


def _axis_at(node: ast.AST, field: str, n: int) -> bool:
    """Is this part of the node an axis? Then it gets another axis, not another number."""
    if isinstance(node, ast.Call) and field == "args" and n == 0:
        return getattr(node.func, "attr", "") in ON_AXES.split()
    return isinstance(node, ast.keyword) and node.arg in ("dim", "axis")


def _axis(node: ast.AST) -> ast.expr | None:
    with suppress(ValueError, KeyError, TypeError):
        return ast.Constant(OTHER_AXIS[ast.literal_eval(node)])
    return None


def _places(node: ast.AST, stmt: ast.stmt | None = None) -> Iterator[tuple]:
    """(parent, field, number in the field or None, child, statement) for every node below."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "args") and not isinstance(node, ast.Call):
            continue
        for n, child in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(child, ast.AST) and not (_axis_at(node, field, n) and _axis(child)):
                own = child if isinstance(child, ast.stmt) else stmt
                yield node, field, n if isinstance(value, list) else None, child, own
                yield from _places(child, own)


def _head(stmt: ast.stmt) -> str:
    return ast.unparse(stmt).split("\n")[0]


def local_mutants(source: str) -> Iterator[Mutant]:
    """One place changed, inside of the solution regions if there are any."""
    lines = {
        n
        for region in REGION.finditer(source)
        for n in range(source.count("\n", 0, region.start()), source.count("\n", 0, region.end()))
    }
    tree = ast.parse(source)
    for parent, field, n, child, stmt in _places(tree):
        line = getattr(child, "lineno", getattr(stmt, "lineno", 0))
        if lines and line - 1 not in lines:
            continue
        holder, key = (vars(parent), field) if n is None else (getattr(parent, field), n)
        old = _head(stmt)
        for operator, new in replacements(child):
            if operator == "link" and isinstance(parent, ast.Expr):
                continue  # as good as leaving the statement out
            if _calls_to(parent, "isinstance") or (
                isinstance(parent, ast.keyword) and parent.arg == "strict"
            ):
                continue  # the order of types, and a guard that the check's own call never meets
            holder[key] = new
            shown = new if isinstance(new, ast.stmt) else stmt
            yield Mutant(operator, old, _head(shown), ast.unparse(tree))
            holder[key] = child
        if isinstance(child, ast.stmt) and n is not None and n + 1 < len(holder):
            after = holder[n + 1]
            if _order_matters(child, after):
                holder[n : n + 2] = [after, child]
                shown = "; ".join(map(_head, (child, after))), "; ".join(map(_head, (after, child)))
                yield Mutant("order", *shown, ast.unparse(tree))
                holder[n : n + 2] = [child, after]


def _order_matters(first: ast.stmt, second: ast.stmt) -> bool:
    if not all(isinstance(s, ast.Expr | ast.Assign | ast.AugAssign) for s in (first, second)):
        return False
    (gives, uses), (gives2, uses2) = map(_names, (first, second))
    if isinstance(first, ast.Assign) and gives & uses2:
        return False  # the second can't run without the first
    if gives2 & (gives | uses):
        return True
    return isinstance(first, ast.Expr) and bool(uses2)


def _calls_to(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == name


def _names(stmt: ast.AST) -> tuple[set[str], set[str]]:
    found = [n for n in ast.walk(stmt) if isinstance(n, ast.Name)]
    gives = {n.id for n in found if isinstance(n.ctx, ast.Store)}
    return gives, {n.id for n in found if isinstance(n.ctx, ast.Load)}


WRAPPED = """
_right = {name}
def {name}(*args, **kwargs):
    import inspect
    given = inspect.signature(_right).bind(*args, **kwargs).arguments
    r = _right(*args, **kwargs)
    {then}
    return {result}
"""
SPOIL: dict[type, str] = {
    list: "given[{0!r}].extend(given[{0!r}][:1])",
    dict: "given[{0!r}].popitem()",
    torch.Tensor: "given[{0!r}].data.copy_(given[{0!r}] == 0)",
}


def wide_mutants(source: str, seen: dict[str, tuple[dict[str, Any], Any]]) -> Iterator[Mutant]:
    """A function as a whole: a parameter ignored or wired in, an argument changed, another kind.

    ``seen`` has, for each function, the arguments and the result of the check's first call.
    """
    tree = ast.parse(source)
    for f in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
        given, result = seen.get(f.name, ({}, None))
        positional = [*f.args.posonlyargs, *f.args.args]
        pairs = [
            *zip(positional[::-1], f.args.defaults[::-1]),
            *zip(f.args.kwonlyargs, f.args.kw_defaults),
        ]
        defaults = {a.arg: d for a, d in pairs if d is not None}
        for param, value in given.items():
            if param in defaults:
                yield from _fixed(tree, f, "default", param, defaults[param])
            parts = value if isinstance(value, tuple | list) else [value]
            if len(parts) < 10 and all(isinstance(v, bool | int | float | str) for v in parts):
                wired = ast.parse(repr(value).replace("inf", "1e999"), mode="eval").body
                yield from _fixed(tree, f, "wired in", param, wired)
            elif hasattr(value, "__len__"):
                with suppress(TypeError):
                    yield from _fixed(
                        tree, f, "wired in", f"len({param})", ast.Constant(len(value))
                    )
            for kind, how in SPOIL.items():
                if isinstance(value, kind):
                    text = WRAPPED.format(name=f.name, then=how.format(param), result="r")
                    yield Mutant("in place", f"{f.name}: {param}", "changed", source + text)
        kinds = []
        if isinstance(result, bool | int | float):
            kinds = ["torch.as_tensor(r)", "[r]"]
        elif isinstance(result, torch.Tensor):
            kinds = ["r.tolist()", "[r]"]
        elif isinstance(result, tuple | list) and {*map(type, result)} <= {int, float, bool}:
            kinds = ["type(r)(map(torch.as_tensor, r))"]
        for how in kinds:
            text = WRAPPED.format(name=f.name, then="pass", result=how)
            yield Mutant("kind", f"{f.name}: return r", f"return {how}", source + text)


def _fixed(
    tree: ast.Module, f: ast.FunctionDef, operator: str, what: str, value: ast.expr
) -> Iterator[Mutant]:
    """``what``, a parameter or its length, is one value wherever the function uses it."""

    class Fix(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> Any:
            load = isinstance(node, ast.Call) or isinstance(getattr(node, "ctx", None), ast.Load)
            return value if load and ast.unparse(node) == what else self.generic_visit(node)

    before, body = ast.unparse(tree), f.body
    f.body = [Fix().visit(copy.deepcopy(stmt)) for stmt in body]
    if (text := ast.unparse(tree)) != before:
        yield Mutant(operator, f"{f.name}: {what}", ast.unparse(value), text)
    f.body = body


def first_calls(path: Path, exercise: str, source: str) -> dict[str, tuple[dict[str, Any], Any]]:
    """Arguments and result of the first call that the check makes of each function of the answer."""
    seen: dict[str, tuple[dict[str, Any], Any]] = {}

    def watched(f: Any) -> Any:
        @functools.wraps(f)
        def call(*args: Any, **kwargs: Any) -> Any:
            bound = inspect.signature(f).bind(*args, **kwargs)
            bound.apply_defaults()
            first = f.__name__ not in seen
            seen.setdefault(f.__name__, (dict(bound.arguments), None))
            result = f(*args, **kwargs)
            if first:
                seen[f.__name__] = (seen[f.__name__][0], result)
            return result

        return call

    space = dict(story_before(path, exercise))
    exec(compile(source, "answer", "exec"), space)
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            space[node.name] = watched(space[node.name])
    exec(compile(check_of(path, exercise), "check", "exec"), space)
    return seen


def all_mutants(source: str, seen: dict[str, tuple[dict[str, Any], Any]]) -> list[Mutant]:
    """Every mutant once; of two with the same line, the second's says ``(2)``."""
    sources, lines = {ast.unparse(ast.parse(source))}, Counter[tuple[str, str]]()
    found = []
    for m in (*wide_mutants(source, seen), *local_mutants(source)):
        if m.source in sources:
            continue
        sources.add(m.source)
        lines[m.old, m.new] += 1
        k = lines[m.old, m.new]
        found.append(m if k == 1 else Mutant(m.operator, f"{m.old} ({k})", m.new, m.source))
    return found


def choose(found: list[Mutant], most: int) -> list[Mutant]:
    """At most ``most``, as evenly over the operators as they come, and evenly over each one's places."""
    groups = defaultdict(list)
    for m in found:
        groups[m.operator].append(m)
    share = Counter[str]()
    while share.total() < min(most, len(found)):
        for operator, group in groups.items():
            if share[operator] < len(group) and share.total() < most:
                share[operator] += 1
    return [g[i * len(g) // share[op]] for op, g in groups.items() for i in range(share[op])]


class TooLong(BaseException):
    """Not an Exception: no check and no answer may catch it."""


@contextmanager
def limit(seconds: float) -> Iterator[None]:
    """Stop what loops, where the system has an alarm."""
    there = hasattr(signal, "SIGALRM") and threading.current_thread() is threading.main_thread()
    if not there:
        yield
        return

    def stop(*_: Any) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def quiet() -> Iterator[None]:
    """No output, no pictures, no records of checks, and the same dice for each run."""
    kept = {key: os.environ.pop(key, None) for key in ("COURSE_STRICT", "COURSE_RESULTS")}
    for seed in (torch.manual_seed, np.random.seed, random.seed):
        seed(0)
    try:
        with (
            redirect_stdout(io.StringIO()),
            redirect_stderr(io.StringIO()),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        plt.close("all")
        os.environ.update({key: value for key, value in kept.items() if value is not None})


def state(path: Path, exercise: str, source: str, seconds: float = 60.0) -> str:
    """What the check says; a cell that stops with an error counts as not yet right."""
    with quiet():
        try:
            with limit(seconds):
                return verdict(path, exercise, source).state
        except (Exception, SystemExit, TooLong):
            return "not yet right"


def excused(path: Path) -> dict[str, set[str]]:
    """exercise → the lines of the mutants that are the same function."""
    told: dict[str, set[str]] = defaultdict(set)
    for exercise, _, words, code in variants(HERE / "wrong_answers" / path.name, ("same",)):
        assert words, f"{path.name}: {exercise} same: say why, in words"
        rows = (row.removeprefix("#") for row in code.splitlines() if row.strip())
        told[exercise] |= {" => ".join(map(str.strip, row.split("=>"))) for row in rows}
    return told


def survey(path: Path) -> tuple[int, list[tuple[str, Mutant]]]:
    """(mutants tried, those that passed) of one lesson."""
    tried, passed, same = 0, [], excused(path)
    for cell in exercises(path):
        if "build" in cell.metadata["tags"]:
            continue
        with quiet():
            seen = first_calls(path, cell.id, cell.source)
        found = all_mutants(cell.source, seen)
        lines = {line for m in found for line in (str(m), m.line)}
        if stale := same.pop(cell.id, set()) - lines:
            raise ValueError(f"{path.name}: {cell.id} same: no such mutant: {sorted(stale)[0]}")
        begin, wall = time.process_time(), time.perf_counter()
        assert state(path, cell.id, cell.source) == "passed", f"{cell.id}: its own answer"
        slow = time.process_time() - begin > SLOW
        patience = max(LONGEST, 6 * (time.perf_counter() - wall))
        excuses = excused(path)[cell.id]
        chosen = choose(found, MOST_SLOW if slow else MOST)
        chosen = [m for m in chosen if not excuses & {str(m), m.line}]
        survivors = _survivors(path, cell, chosen, patience)
        tried += len(chosen)
        passed += [(cell.id, m) for m in survivors]
    if same:
        raise ValueError(f"{path.name}: {sorted(same)[0]} same: no such exercise")
    return tried, passed


def _survivors(path: Path, cell: Any, chosen: list[Mutant], patience: float) -> list[Mutant]:
    """Those that the check did not refuse, judged on a story that no mutant has damaged."""

    def fine() -> bool:
        """Is the story whole? If not, it is run anew."""
        if state(path, cell.id, cell.source) == "passed":
            return True
        with quiet():
            fresh = story_before.__wrapped__(path, cell.id)
            space = story_before(path, cell.id)
            space.clear()
            space.update(fresh)
        assert state(path, cell.id, cell.source) == "passed", f"{cell.id}: its own answer"
        return False

    rough = [m for m in chosen if m.operator == "in place"]
    gentle = [m for m in chosen if m.operator != "in place"]
    said = {m: state(path, cell.id, m.source, patience) for m in gentle}
    for m in rough if fine() else gentle + rough:  # where one did damage, look after each
        said[m] = state(path, cell.id, m.source, patience)
        fine()
    return [m for m in chosen if said[m] != "not yet right"]


def figure(name: str, tried: int, passed: int) -> str:
    share = (tried - passed) / max(tried, 1)
    return f"{name}: {tried - passed} of {tried} mutants refused, {share:.1%}"


def main(wanted: str) -> None:
    total = survived = 0
    for path in LESSONS:
        if wanted == "all" or path.stem.startswith(wanted):
            torch.set_num_threads(1)
            begin = time.perf_counter()
            tried, passed = survey(path)
            total, survived = total + tried, survived + len(passed)
            for exercise, m in passed:
                print(f"{exercise}: {m}")
            print(figure(path.stem, tried, len(passed)), f"({time.perf_counter() - begin:.0f} s)")
    print(figure("all", total, survived))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) == 2 else sys.exit(__doc__))
