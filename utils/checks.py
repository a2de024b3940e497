"""Checks that teach: each answer is passed, not attempted yet, or not yet right.

A check compares what the reader's code returns with what it should return, and when the two
differ it says what it saw, what it expected, and which misconception usually explains it.

>>> with check("demo-1") as c:
...     c.close(c.attempted(2.0 * 3), 6.0, because="2 · 3 = 6")
✓ demo-1 passed
    2 · 3 = 6
>>> with check("demo-1") as c:
...     c.close(c.attempted(2.0 + 3), 6.0, because="2 · 3 = 6", mistakes={5.0: "5 is the sum"})
✗ demo-1 is not yet right
    observed: 5.0
    expected: 6.0 (2 · 3 = 6)
    likely:   5 is the sum
>>> with check("demo-1") as c:
...     c.attempted(...)
○ demo-1 is not attempted yet
"""

from __future__ import annotations

import copy
import html
import json
import os
import sys
import sysconfig
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, get_args, get_origin

import numpy as np
import torch
from IPython.display import display

Mistakes = Mapping[Any, str] | Iterable[tuple[Any, str]]
PASSED, NOT_ATTEMPTED, NOT_YET = "passed", "not attempted yet", "not yet right"
LOOKS = {PASSED: ("✓ {} ", "#009e73"), NOT_ATTEMPTED: ("○ {} is ", "#8a8a8a")}
LOOKS[NOT_YET] = ("✗ {} is ", "#d55e00")


class CheckFailed(AssertionError):
    """Raised by a check that did not pass when ``COURSE_STRICT=1``, as instructors and CI run it."""


class _Ended(Exception):
    """The verdict is there before the block's end."""


class Check:
    """One exercise's verdict, filled in by the ``with check(...)`` block.

    After the block, ``state`` is one of ``"passed"``, ``"not attempted yet"`` and
    ``"not yet right"``, and ``lines`` holds what was said, one ``(label, text)`` a line.
    """

    def __init__(self, exercise: str) -> None:
        self.exercise = exercise
        self.state = PASSED
        self.lines: list[tuple[str, str]] = []
        self.compared = 0

    def attempted(self, value: Any) -> Any:
        """Return ``value``; end the check gently if it still has the stub's dots in it."""
        if any(part is ... for part in (value if isinstance(value, tuple) else (value,))):
            self.state, self.lines = NOT_ATTEMPTED, []
            raise _Ended(self)
        if value is None:
            missing = "is the return missing? And print() and backward() give None back"
            self._compare(False, "None", "an answer", "", missing)
        return value

    def kind(self, got: Any, *types: type) -> None:
        """``got`` must be of one of ``types``: ``int`` (no bool), ``list[int]``, ``tuple[int, float]``."""
        got_kind, *wanted = (
            f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
            for name in map(_name, (type(got), *types))
        )
        fits = any(_is_a(got, t) for t in types)
        self._compare(fits, f"{_show(got)}, {got_kind}{_parts(got)}", " or ".join(wanted), "", "")

    def equal(self, got: Any, expected: Any, *, because: str = "", mistakes: Mistakes = ()) -> None:
        """``got`` must equal ``expected`` exactly; tensors are compared in shape and value."""
        likely = _likely(got, mistakes, _same)
        self._compare(_same(got, expected), *_show_both(got, expected), because, likely)

    def close(
        self, got: Any, expected: Any, *, because: str = "", mistakes: Mistakes = (),
        rtol: float = 1e-4, atol: float = 1e-5,
    ) -> None:  # fmt: skip
        """Numbers or tensors must agree: same shape, and |got − expected| ≤ atol + rtol·|expected|."""
        near = partial(_near, rtol=rtol, atol=atol)
        likely = _likely(got, mistakes, near)
        self._compare(near(got, expected), *_show_both(got, expected), because, likely)

    def true(
        self, condition: Any, *, observed: Any, expected: Any, because: str = "",
        mistakes: Mistakes = (), likely: str = "",
    ) -> None:  # fmt: skip
        """``condition`` must hold; ``observed`` and ``expected`` say in words what it compares."""
        likely = _likely(observed, mistakes, _same) or likely
        self._compare(bool(condition), _words(observed), _words(expected), because, likely)

    @contextmanager
    def untouched(self, *given: Any) -> Iterator[None]:
        """What the block hands to the reader's code must be the same after it."""
        before = copy.deepcopy(given)
        yield
        likely = (
            "an operation in place (x += 1, x.add_(1), x.sort()) writes into what the caller owns"
        )
        for now, was in zip(given, before):
            said = "what was handed over has changed: it is now " + _show(now)
            self._compare(_same(now, was, nan=True), said, "unchanged, " + _show(was), "", likely)

    def held_back(self, *data: Any) -> Any:
        """Hand over, as copies, ``data`` that the reader has not seen; builds are judged on it."""
        copies = copy.deepcopy(data)
        return copies if len(copies) > 1 else copies[0]

    def timed(self, train: Callable[[], Any], limit: float = 60.0) -> Any:
        """What ``train()`` gives; more than ``limit`` seconds are too slow to wait for again."""
        started = time.process_time()  # other programs on a busy machine don't count
        got = self.attempted(train())
        seconds = time.process_time() - started
        likely = (
            "too many epochs, too small a batch, or work in the loop that could stand before it"
        )
        wanted = f"at most {limit:.0f} s on two cores"
        self._compare(seconds <= limit, f"{seconds:.0f} s of training", wanted, "", likely)
        return got

    def learned(
        self, score: float, *, chance: float, trained: float | None = None,
        at_least: float | None = None, at_most: float | None = None, what: str = "accuracy",
        because: str = "",
    ) -> None:  # fmt: skip
        """A build's result on held-back data must reach its goal; if not, say which failure it is.

        ``chance`` is the score of guessing, ``trained`` the score on the training data: numbers, also
        NumPy's or tensors of one number. A loss, which has to fall, gets ``at_most`` in place of ``at_least``.
        """
        bound, sign = ("at most", -1) if at_least is None else ("at least", 1)
        score, chance, goal = map(
            _number, (score, chance, at_most if at_least is None else at_least)
        )
        trained = None if trained is None else _number(trained)
        known = score if trained is None else trained
        gain = [sign * (value - chance) / abs(goal - chance) for value in (score, known)]
        likely = "on its way: more epochs, another learning rate, a wider network; or is zero_grad() missing?"
        if not np.isfinite(score):
            likely = "the loss blew up: the learning rate is too large"
        elif trained is not None and gain[1] >= 0.9 > gain[0] + 0.3:
            likely = "right on the training data only: it learned the rows by heart"
        elif gain[0] < 0.15:
            likely = "no better than guessing: not trained at all? Look for a missing step(), an "
            likely += (
                "optimizer that holds another model's parameters, or inputs prepared otherwise"
            )
        also = "" if trained is None else f" ({trained:.3f} on the training data)"
        self._compare(
            sign * score >= sign * goal, f"{what} {score:.3f} on data it has not seen{also}",
            f"{bound} {goal:.3f}; guessing gives {chance:.3f}", because, likely,
        )  # fmt: skip

    def _compare(self, fits: bool, got: str, expected: str, because: str, likely: str) -> None:
        self.compared += 1
        if fits:
            if because and ("", because) not in self.lines:
                self.lines.append(("", because))
            return
        reason = f"{expected} ({because})" if because else expected
        self.lines = [("observed", got), ("expected", reason)]
        if likely:
            self.lines.append(("likely", likely))
        self.state = NOT_YET
        raise _Ended(self)

    def _failed_in(self, error: BaseException) -> None:
        """The reader's code raised: name the error and the line it came from."""
        self.state = NOT_YET
        frames = traceback.extract_tb(error.__traceback__)
        library = ("<frozen", sysconfig.get_path("stdlib"), __file__)
        own = [f for f in frames if not f.filename.startswith(library)]
        own = [f for f in own if "site-packages" not in f.filename]
        where = f", at: {own[-1].line}" if own and own[-1].line else ""
        self.lines = [("observed", f"{type(error).__name__}: {error}{where}")]
        self.lines.append(("expected", "a value to compare, and no error on the way to it"))
        if isinstance(error, NameError):
            self.lines.append(
                ("likely", "a cell above was not run or stopped, or the name is misspelled")
            )

    def __str__(self) -> str:
        rows = [f"{LOOKS[self.state][0].format(self.exercise)}{self.state}"]
        for label, text in self.lines:
            lead = f"    {label + ':':10}" if label else "    "
            rows.append(lead + text.replace("\n", "\n" + " " * len(lead)))
        return "\n".join(rows)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head, _, body = str(self).partition("\n")
        folded = f'<pre style="margin:.3em 0 0;white-space:pre-wrap">{html.escape(body)}</pre>'
        return (
            f'<div style="border-left:4px solid {LOOKS[self.state][1]};padding:.3em .8em">'
            f"<strong>{html.escape(head)}</strong>{folded if body else ''}</div>"
        )


@contextmanager
def check(exercise: str) -> Iterator[Check]:
    """Judge one exercise and say the verdict; see this module's examples.

    With ``COURSE_STRICT=1`` anything but a pass raises :class:`CheckFailed`. With
    ``COURSE_RESULTS=FILE`` each verdict is appended to ``FILE`` as one line of JSON.
    """
    c = Check(exercise)
    try:
        yield c
    except _Ended as ended:
        if ended.args != (c,):  # of a check that the reader's own code has made
            c._failed_in(ended)
    except (Exception, SystemExit) as error:
        c._failed_in(error)
    else:
        if not c.compared:
            raise RuntimeError(f"check({exercise!r}) compared nothing, so it could not fail")
    _record(c)
    display(c)  # prints where there is no notebook
    if c.state != PASSED and os.environ.get("COURSE_STRICT") == "1":
        raise CheckFailed(str(c))


@contextmanager
def expect_error(*errors: type[BaseException]) -> Iterator[None]:
    """Show the error that the block is there to raise, and insist that it is raised.

    >>> with expect_error(ZeroDivisionError):
    ...     1 / 0
    ZeroDivisionError: division by zero
    """
    try:
        yield
    except errors as error:
        print(f"{type(error).__name__}: {error}")
    else:
        names = " or ".join(e.__name__ for e in errors)
        raise AssertionError(f"this block should have raised {names}, but it ran through")


def _is_a(got: Any, kind: Any) -> bool:
    """isinstance, also for ``list[int]``, ``tuple[int, ...]`` and ``dict[str, float]``."""
    inner = get_args(kind)
    if not isinstance(got, get_origin(kind) or kind) or (
        isinstance(got, bool) and kind is not bool
    ):
        return False
    if isinstance(got, dict) and inner:
        return all(_is_a(k, inner[0]) and _is_a(v, inner[1]) for k, v in got.items())
    if isinstance(got, tuple) and inner and inner[-1] is not ...:
        return len(got) == len(inner) and all(map(_is_a, got, inner))
    return not inner or all(_is_a(part, inner[0]) for part in got)


def _number(value: Any) -> float:
    return float(value.detach() if isinstance(value, torch.Tensor) else value or 0)


def _name(kind: Any) -> str:
    return str(kind) if get_args(kind) else kind.__name__


def _parts(got: Any) -> str:
    """The kinds inside a container, which its own kind does not tell."""
    parts = got.values() if isinstance(got, dict) else got if isinstance(got, (list, tuple)) else ()
    names = list(dict.fromkeys(_name(type(part)) for part in parts))
    return f" of {' and '.join(names)}" if names else ""


def _near(a: Any, b: Any, rtol: float, atol: float) -> bool:
    try:
        a, b = (torch.as_tensor(v).detach().cpu() for v in (a, b))
    except (TypeError, ValueError, RuntimeError):
        return False
    if a.shape != b.shape:
        return False
    wide = torch.complex128 if a.is_complex() or b.is_complex() else torch.float64
    return torch.allclose(a.to(wide), b.to(wide), rtol, atol, equal_nan=True)


def _same(a: Any, b: Any, nan: bool = False) -> bool:
    """Equal in kind, shape and value; with ``nan`` what is not a number is the same as its like."""
    for kind in (torch.Tensor, np.ndarray):
        if isinstance(a, kind) or isinstance(b, kind):
            if not (isinstance(a, kind) and isinstance(b, kind) and a.shape == b.shape):
                return False
            if isinstance(a, torch.Tensor):
                a, b = (torch.as_tensor(v).detach().cpu() for v in (a, b))
            return bool(((a == b) | ((a != a) & (b != b) & nan)).all())
    pd: Any = sys.modules.get("pandas")  # half a second to import, and not needed where it is not
    for name in ("DataFrame", "Series", "Index") if pd else ():
        if isinstance(a, getattr(pd, name)) and type(a) is type(b):
            try:
                getattr(pd.testing, f"assert_{name.lower().removeprefix('data')}_equal")(
                    a, b, check_exact=True
                )
            except AssertionError:
                return False
            return True
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[k], b[k], nan) for k in a)
    if any(isinstance(a, kind) and isinstance(b, kind) for kind in (tuple, list)):
        return len(a) == len(b) and all(_same(x, y, nan) for x, y in zip(a, b))
    if isinstance(a, bool) != isinstance(b, bool):
        return False
    try:
        return bool(a == b) or bool(nan and a != a and b != b)
    except (TypeError, ValueError):
        return False


def _likely(got: Any, mistakes: Mistakes, alike: Any) -> str:
    pairs = mistakes.items() if isinstance(mistakes, Mapping) else mistakes
    return next((text for wrong, text in pairs if alike(got, wrong)), "")


def _words(value: Any) -> str:
    return value if isinstance(value, str) else _show(value)


def _show(value: Any) -> str:
    if not isinstance(value, torch.Tensor):
        text = f"{value:.6g}" if isinstance(value, float) and value % 1 else repr(value)
        return text if len(text) <= 200 else text[:200] + " …"
    shape = tuple(value.shape)
    if value.numel() > 24:
        return f"a tensor of shape {shape}, {str(value.dtype).removeprefix('torch.')}"
    return f"{value.detach().cpu().tolist()}, shape {shape}"


def _show_both(got: Any, expected: Any) -> tuple[str, str]:
    """Both in words; if they would read the same, with what tells them apart."""
    observed, wanted = _show(got), _show(expected)
    if observed == wanted and isinstance(got, torch.Tensor) and isinstance(expected, torch.Tensor):
        wrong = int((got.detach().cpu() != expected.detach().cpu()).sum())
        return f"{observed}, with {wrong} of {got.numel()} values different", wanted
    return (repr(got), repr(expected)) if observed == wanted else (observed, wanted)


def _record(c: Check) -> None:
    path = os.environ.get("COURSE_RESULTS")
    if not path:
        return
    row = {"exercise": c.exercise, "state": c.state, "said": str(c), "time": int(time.time())}
    try:
        with open(path, "a", encoding="utf-8") as f:
            f.write(json.dumps(row, ensure_ascii=False) + "\n")
    except OSError as error:
        print(f"The result of {c.exercise} was not recorded: {error}")
