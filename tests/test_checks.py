"""The checks: three verdicts, each in the words meant for it, and no verdict that was not earned."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import torch

from utils.checks import NOT_ATTEMPTED, NOT_YET, PASSED, CheckFailed, check, expect_error

NAN = float("nan")


@pytest.fixture(autouse=True)
def gentle(monkeypatch):
    monkeypatch.delenv("COURSE_STRICT", raising=False)
    monkeypatch.delenv("COURSE_RESULTS", raising=False)


def judge(ask):
    """The verdict on one exercise, ``ask(c)`` being the body of its check."""
    with check("demo-1") as c:
        ask(c)
    return c


def equal(got, expected, **words):
    return judge(lambda c: c.equal(got, expected, **words)).state == PASSED


def close(got, expected, **words):
    return judge(lambda c: c.close(got, expected, **words)).state == PASSED


# Three answers -----------------------------------------------------------------------------------


def test_pass_says_what_it_proves(capsys):
    c = judge(lambda c: c.equal(c.attempted(6), 6, because="2 · 3 = 6"))
    assert c.state == PASSED
    assert capsys.readouterr().out == "✓ demo-1 passed\n    2 · 3 = 6\n"


def test_every_comparison_that_holds_is_said(capsys):
    def ask(c):
        c.equal(6, 6, because="one")
        c.equal(7, 7)
        c.true(True, observed=1, expected=1, because="two")

    assert str(judge(ask)) == "✓ demo-1 passed\n    one\n    two"


@pytest.mark.parametrize("stub", [..., (..., ...), (6, ...)], ids=str)
def test_stub_is_not_attempted(stub, capsys):
    c = judge(lambda c: c.equal(c.attempted(stub), 6))
    assert c.state == NOT_ATTEMPTED
    assert capsys.readouterr().out == "○ demo-1 is not attempted yet\n"


def test_forgotten_return_is_an_answer_that_is_not_yet_right():
    c = judge(lambda c: c.equal(c.attempted(None), 6))
    assert c.state == NOT_YET
    assert c.lines[0] == ("observed", "None") and "return" in c.lines[2][1]


def test_first_stub_of_several_takes_back_what_was_said_before():
    def ask(c):
        c.equal(c.attempted(6), 6, because="one")
        c.equal(c.attempted(...), 7)

    assert str(judge(ask)) == "○ demo-1 is not attempted yet"


@pytest.mark.parametrize("value", [0, False, "", [], (), (None, 3), torch.tensor(0.0)], ids=repr)
def test_falsy_or_half_an_answer_is_an_attempt(value):
    assert (
        judge(lambda c: c.true(c.attempted(value) is value, observed="", expected="")).state
        == PASSED
    )


def test_wrong_answer_shows_observed_expected_and_likely(capsys):
    c = judge(
        lambda c: c.equal(
            5, 6, because="2 · 3", mistakes={4: "no", 5: "that adds", 5.5: "nor this"}
        )
    )
    assert c.state == NOT_YET
    assert c.lines == [("observed", "5"), ("expected", "6 (2 · 3)"), ("likely", "that adds")]
    assert capsys.readouterr().out.splitlines() == [
        "✗ demo-1 is not yet right",
        "    observed: 5",
        "    expected: 6 (2 · 3)",
        "    likely:   that adds",
    ]


def test_mistake_nobody_thought_of_has_no_likely():
    assert judge(lambda c: c.equal(9, 6, mistakes={5: "that adds"})).lines[-1] == ("expected", "6")


def test_wrong_answer_ends_the_check_and_drops_earlier_lines():
    def ask(c):
        c.equal(6, 6, because="one")
        c.equal(5, 6)
        raise AssertionError("not reached")

    assert judge(ask).lines == [("observed", "5"), ("expected", "6")]


def test_true_says_it_in_words():
    c = judge(
        lambda c: c.true(
            False, observed="a rise", expected="a fall", because="down", likely="a sign"
        )
    )
    assert c.lines == [("observed", "a rise"), ("expected", "a fall (down)"), ("likely", "a sign")]


def test_true_prefers_the_mistake_that_fits_to_the_general_one():
    c = judge(
        lambda c: c.true(False, observed=3, expected=4, mistakes={3: "one off"}, likely="a sign")
    )
    assert c.lines[-1] == ("likely", "one off")


@pytest.mark.parametrize(
    ("value", "types", "fits"),
    [
        (3, (int,), True),
        (3.0, (int,), False),
        (True, (int,), False),
        (True, (bool,), True),
        (3, (float, int), True),
    ],
    ids=repr,
)
def test_kind(value, types, fits):
    c = judge(lambda c: c.kind(value, *types))
    assert (c.state == PASSED) == fits
    if not fits:
        named = {int: "an int", float: "a float", bool: "a bool"}
        wanted = " or ".join(named[t] for t in types)
        assert c.lines == [
            ("observed", f"{value!r}, {named[type(value)]}"),
            ("expected", wanted),
        ]


def test_lines_of_a_long_message_stay_in_their_column():
    assert str(judge(lambda c: c.true(False, observed="a\nb", expected="c"))).splitlines()[1:3] == [
        "    observed: a",
        "              b",
    ]


# What is the same --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("got", "expected", "same"),
    [
        (1, 1, True),
        (1, 1.0, True),
        (1, True, False),
        (True, True, True),
        (0, False, False),
        ("6", 6, False),
        ([1, 2], [1, 2], True),
        ([1, 2], (1, 2), False),
        ((2, 3), torch.Size([2, 3]), True),
        ({"a": 1}, {"a": 1}, True),
        (NAN, NAN, False),
        (torch.tensor([1, 2]), torch.tensor([1, 2]), True),
        (torch.tensor([1, 2]), torch.tensor([1.0, 2.0]), True),
        (torch.tensor([1, 2]), torch.tensor([1, 3]), False),
        (torch.tensor([1, 2]), torch.tensor([[1, 2]]), False),
        (torch.tensor([1, 1]), torch.tensor(1), False),
        (torch.tensor([1, 2]), [1, 2], False),
        ([1, 2], torch.tensor([1, 2]), False),
        (torch.tensor(6), 6, False),
        (torch.tensor([NAN]), torch.tensor([NAN]), False),
        (torch.tensor([1.0], requires_grad=True), torch.tensor([1.0]), True),
        (torch.zeros(0, 2), torch.zeros(0, 2), True),
        (torch.zeros(0, 2), torch.zeros(0, 3), False),
    ],
    ids=repr,
)
def test_equal(got, expected, same):
    assert equal(got, expected) == same


@pytest.mark.parametrize(
    ("got", "expected", "near"),
    [
        (1, 1.0, True),
        (1.0, 1.00001, True),
        (1.0, 1.01, False),
        (1e6, 1e6 + 10, True),
        (0.0, 5e-6, True),
        (NAN, NAN, True),
        (NAN, 1.0, False),
        (float("inf"), float("inf"), True),
        (float("inf"), float("-inf"), False),
        (torch.tensor(6.0), 6, True),
        (torch.tensor([6.0]), 6, False),
        ([1, 2], torch.tensor([1.0, 2.0]), True),
        ([1.0, 2.0], [[1.0, 2.0]], False),
        (torch.tensor([1, 2]), torch.tensor([1.0, 2.0]), True),
        (torch.ones(2, dtype=torch.float64), torch.ones(2, dtype=torch.bfloat16), True),
        (torch.tensor([NAN, 1.0]), torch.tensor([NAN, 1.0]), True),
        (torch.ones(3), torch.ones(2), False),
        (torch.ones(3), torch.ones(1), False),
        (torch.ones(1, requires_grad=True), [1.0], True),
        ("six", 6, False),
        (None, 6, False),
        ({"a": 6}, 6, False),
        ([[1, 2], [3]], [1, 2], False),
        (10**40, 6, False),
    ],
    ids=repr,
)
def test_close(got, expected, near):
    assert close(got, expected) == near


def test_tolerances_are_the_authors():
    assert close(1.0, 1.5, atol=1)
    assert close(100.0, 101.0, rtol=0.1)
    assert not close(1.0, 1.0 + 1e-6, rtol=0, atol=1e-9)


@pytest.mark.parametrize("method", ["equal", "close"])
@pytest.mark.parametrize(
    "pairs",
    [{5.0: "that adds", 8.0: "that cubes"}, [(5.0, "that adds"), (8.0, "that cubes")]],
    ids=["dict", "list"],
)
def test_mistakes_as_dict_and_as_pairs(method, pairs):
    assert judge(lambda c: getattr(c, method)(8.0, 6.0, mistakes=pairs)).lines[-1] == (
        "likely",
        "that cubes",
    )


@pytest.mark.parametrize("method", ["equal", "close"])
def test_mistakes_may_be_tensors(method):
    pairs = [
        (torch.ones(3), "of another shape"),
        (torch.ones(2), "ones"),
        (torch.zeros(2), "zeros"),
    ]
    c = judge(lambda c: getattr(c, method)(torch.zeros(2), torch.full((2,), 7.0), mistakes=pairs))
    assert c.lines == [
        ("observed", "[0.0, 0.0], shape (2,)"),
        ("expected", "[7.0, 7.0], shape (2,)"),
        ("likely", "zeros"),
    ]


def test_large_values_are_told_by_shape_and_kind():
    c = judge(lambda c: c.close(torch.zeros(5, 6, dtype=torch.int64), torch.zeros(6, 5)))
    assert c.lines == [
        ("observed", "a tensor of shape (5, 6), int64"),
        ("expected", "a tensor of shape (6, 5), float32"),
    ]
    assert len(judge(lambda c: c.equal("x" * 1000, "y")).lines[0][1]) < 250


@pytest.mark.parametrize(
    "kind", [tuple, list, lambda parts: dict(enumerate(parts))], ids=["tuple", "list", "dict"]
)
def test_several_tensors_can_be_compared(kind):
    ones = [torch.ones(2), torch.zeros(2)]
    assert equal(kind(ones), kind([part.clone() for part in ones]))


def test_arrays_can_be_compared():
    assert equal(torch.ones(2).numpy(), torch.ones(2).numpy())


@pytest.mark.filterwarnings("ignore:Casting complex")
def test_complex_is_not_near_its_real_part():
    assert not close(1 + 2j, 1.0)


@pytest.mark.parametrize(
    ("got", "expected"),
    [(0.1 + 0.2, 0.3), (torch.zeros(5, 5), torch.ones(5, 5))],
    ids=["float", "tensor"],
)
def test_observed_and_expected_never_read_the_same(got, expected):
    (_, observed), (_, wanted) = judge(lambda c: c.equal(got, expected)).lines
    assert observed != wanted


# Errors ------------------------------------------------------------------------------------------


def divide(x):
    return x / 0  # the reader's line


def test_error_in_the_readers_code_is_named_with_its_line():
    c = judge(lambda c: c.equal(divide(1), 6))
    assert c.state == NOT_YET
    assert c.lines[0] == (
        "observed",
        "ZeroDivisionError: division by zero, at: return x / 0  # the reader's line",
    )
    assert c.lines[1][1].startswith("a value to compare")


def test_error_inside_torch_is_named_with_the_readers_line():
    def multiply(x):
        return torch.nn.functional.linear(x, torch.zeros(5, 5))

    said = judge(lambda c: c.close(multiply(torch.zeros(2, 3)), 6)).lines[0][1]
    assert "mat1 and mat2 shapes cannot be multiplied" in said
    assert said.endswith("at: return torch.nn.functional.linear(x, torch.zeros(5, 5))")


def test_error_inside_the_standard_library_is_named_with_the_readers_line():
    def parse(text):
        return json.loads(text)

    assert (
        judge(lambda c: c.equal(parse("{"), 6)).lines[0][1].endswith("at: return json.loads(text)")
    )


def test_error_without_a_source_is_named_alone():
    space = {}
    exec("def answer(): return {}['key']", space)
    said = judge(lambda c: c.equal(space["answer"](), 6)).lines[0][1]
    assert said.startswith("KeyError: 'key'")


def test_check_that_compares_nothing_is_an_error():
    with pytest.raises(RuntimeError, match="check.'demo-1'. compared nothing"):
        judge(lambda c: c.attempted(6))


def test_stopping_the_cell_stops_the_check(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_RESULTS", str(tmp_path / "results"))
    with pytest.raises(KeyboardInterrupt):
        with check("demo-1"):
            raise KeyboardInterrupt
    assert capsys.readouterr().out == "" and not (tmp_path / "results").exists()


def test_answer_that_leaves_python_is_not_yet_right():
    def ask(c):
        raise SystemExit(3)

    assert judge(ask).lines[0][1].startswith("SystemExit: 3")


def test_name_that_is_not_there_sends_the_reader_up_the_page():
    lines = judge(lambda c: c.equal(eval("answer"), 6)).lines
    assert lines[0][1].startswith("NameError") and "misspelled" in lines[2][1]


# Strict, results, HTML ---------------------------------------------------------------------------


@pytest.mark.parametrize("got", [5, None], ids=["wrong", "stub"])
def test_strict_raises_unless_passed(got, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_STRICT", "1")
    with pytest.raises(CheckFailed) as caught:
        judge(lambda c: c.equal(c.attempted(got), 6))
    assert str(caught.value) + "\n" == capsys.readouterr().out
    assert judge(lambda c: c.equal(6, 6)).state == PASSED


def test_only_1_is_strict(monkeypatch):
    monkeypatch.setenv("COURSE_STRICT", "")
    assert judge(lambda c: c.equal(5, 6)).state == NOT_YET


def test_results_are_appended_as_lines_of_json(monkeypatch, tmp_path):
    path = tmp_path / "ünder way.jsonl"
    path.write_text('{"exercise": "earlier"}\n', encoding="utf-8")
    monkeypatch.setenv("COURSE_RESULTS", str(path))
    judge(lambda c: c.equal(6, 6, because="2 · 3\n= 6"))
    judge(lambda c: c.equal(5, 6))
    judge(lambda c: c.attempted(...))
    monkeypatch.setenv("COURSE_STRICT", "1")
    with pytest.raises(CheckFailed):
        judge(lambda c: c.equal(4, 6))
    rows = [json.loads(row) for row in path.read_text(encoding="utf-8").splitlines()]
    assert [row.get("state") for row in rows] == [None, PASSED, NOT_YET, NOT_ATTEMPTED, NOT_YET]
    assert (
        rows[1]["exercise"] == "demo-1" and "2 · 3" in rows[1]["said"] and rows[1]["time"] > 1.7e9
    )


def test_results_that_cannot_be_written_do_not_stop_the_check(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("COURSE_RESULTS", str(tmp_path / "nowhere" / "results"))
    assert judge(lambda c: c.equal(6, 6)).state == PASSED
    said = capsys.readouterr().out
    assert "result of demo-1 was not recorded" in said and "✓ demo-1 passed" in said


def test_html_is_escaped():
    c = judge(lambda c: c.equal("<script>alert('&')</script>", "<b>"))
    shown = c._repr_html_()
    assert "<script>" not in shown and "&lt;script&gt;alert(" in shown and "&amp;" in shown
    c.exercise = "<i>"
    assert "<i>" not in c._repr_html_()


@pytest.mark.parametrize("got", [6, 5, None], ids=["passed", "wrong", "stub"])
def test_html_says_what_the_text_says(got):
    c = judge(lambda c: c.equal(c.attempted(got), 6))
    inside = re.sub(r"<[^>]+>", "\n", c._repr_html_())
    assert inside.split() == str(c).split()


# expect_error ------------------------------------------------------------------------------------


def test_expected_error_is_shown(capsys):
    with expect_error(KeyError, ZeroDivisionError):
        divide(1)
    assert capsys.readouterr().out == "ZeroDivisionError: division by zero\n"


def test_error_that_does_not_come_is_missed():
    with pytest.raises(AssertionError, match="should have raised KeyError or ZeroDivisionError"):
        with expect_error(KeyError, ZeroDivisionError):
            pass


def test_another_error_passes_through(capsys):
    with pytest.raises(ZeroDivisionError):
        with expect_error(KeyError):
            divide(1)
    assert capsys.readouterr().out == ""


# For builds, and for what an answer may not do ------------------------------------------------------


@pytest.mark.parametrize(
    ("got", "kind", "fits"),
    [
        ([1, 2], list[int], True),
        ([1, 2.0], list[int], False),
        ([True], list[int], False),
        ([], list[int], True),
        ((1, 2.0), tuple[int, float], True),
        ((1, 2), tuple[int, float], False),
        ((1, 2.0, 3), tuple[int, float], False),
        ((1, 2, 3), tuple[int, ...], True),
        ({"a": 1}, dict[str, int], True),
        ({"a": torch.tensor(1)}, dict[str, int], False),
        ([[1], [2]], list[list[int]], True),
        (3, list[int], False),
        (True, bool, True),
        (True, int, False),
    ],
)
def test_kinds_inside_of_containers_are_looked_at(got, kind, fits):
    assert (judge(lambda c: c.kind(got, kind)).state == PASSED) == fits


def test_wrong_kind_inside_is_said():
    assert str(judge(lambda c: c.kind([1, 2.0], list[int]))).splitlines()[1:] == [
        "    observed: [1, 2.0], a list of int and float",
        "    expected: a list[int]",
    ]


@pytest.mark.parametrize("given", [[3, 1], {"a": [1]}, torch.ones(2)], ids=str)
def test_changing_what_was_handed_over_is_noticed(given):
    def ask(c):
        with c.untouched(0, given):
            given.add_(1) if isinstance(given, torch.Tensor) else given.clear()

    c = judge(ask)
    assert c.state == NOT_YET and "in place" in str(c) and "unchanged" in str(c)


GIVEN = {
    # what is handed over, and what changes it in place
    "frame": (
        lambda: pd.DataFrame({"a": [1, 2], "b": [0.5, NAN], "c": ["x", None]}),
        lambda df: df.__setitem__("d", 1),
    ),
    "one cell": (lambda: pd.DataFrame({"a": [1, 2]}), lambda df: df.__setitem__("a", [1, 3])),
    "its rows' names": (
        lambda: pd.DataFrame({"a": [2, 1]}),
        lambda df: setattr(df, "index", [1, 0]),
    ),
    "kind of a column": (
        lambda: pd.DataFrame({"a": [2, 1]}),
        lambda df: df.__setitem__("a", df["a"].astype(float)),
    ),
    "series": (lambda: pd.Series([1.0, NAN], name="a"), lambda s: s.__setitem__(0, 5.0)),
    "name of a series": (lambda: pd.Series([1.0], name="a"), lambda s: setattr(s, "name", "b")),
    "index": (lambda: pd.Index([1, 2], name="a"), lambda index: setattr(index, "name", "b")),
    "frame in a dict": (lambda: {"a": pd.DataFrame({"a": [1]})}, lambda d: d["a"].pop("a")),
    "array": (lambda: np.array([2.0, 1.0]), lambda a: a.sort()),
    "array of floats": (lambda: np.array([1.0, NAN]), lambda a: a.__setitem__(1, 0)),
    "array of names": (lambda: np.array(["b", "a"]), lambda a: a.sort()),
    "array of objects": (lambda: np.array(["b", 1, None], dtype=object), lambda a: a.fill(0)),
    "array of dates": (lambda: np.array(["2024-02-01", "NaT"], "M8[D]"), lambda a: a.fill("NaT")),
    "tensor": (lambda: torch.tensor([1.0, NAN]), lambda t: t.nan_to_num_()),
    "list": (lambda: [1.0, NAN], lambda row: row.pop()),
}


@pytest.mark.parametrize(("make", "change"), GIVEN.values(), ids=GIVEN)
def test_what_was_handed_over_is_compared_whatever_it_is(make, change):
    def ask(c, use):
        given = make()
        with c.untouched(given):
            use(given)

    assert judge(lambda c: ask(c, len)).state == PASSED
    assert judge(lambda c: ask(c, change)).state == NOT_YET


def test_times_of_pandas_are_compared_as_values():
    assert equal(pd.Timestamp("2024-02-01"), pd.Timestamp("2024-02-01"))
    assert not equal(pd.Timestamp("2024-02-01"), pd.Timestamp("2024-02-02"))
    assert not equal(pd.Series([1]), pd.DataFrame([1]))


def test_leaving_it_alone_is_fine_and_the_stub_still_reads_as_a_stub():
    def ask(c, answer):
        with c.untouched([3, 1]):
            c.equal(c.attempted(answer), 6)

    assert judge(lambda c: ask(c, 6)).state == PASSED
    assert judge(lambda c: ask(c, ...)).state == NOT_ATTEMPTED


def test_held_back_data_is_handed_over_as_a_copy():
    data, seen = torch.ones(2), []

    def ask(c):
        seen.append(c.held_back(data))
        seen.extend(c.held_back(data, [1]))
        c.equal(1, 1)

    judge(ask)
    assert torch.equal(seen[0], data) and seen[0] is not data and seen[2] == [1]


def test_training_that_takes_too_long_is_said():
    c = judge(lambda c: c.timed(lambda: 5, limit=-1))
    assert c.state == NOT_YET and "0 s of training" in str(c) and "epochs" in str(c)
    assert judge(lambda c: c.equal(c.timed(lambda: 5), 5)).state == PASSED
    assert judge(lambda c: c.timed(lambda: ...)).state == NOT_ATTEMPTED


@pytest.mark.parametrize(
    ("score", "trained", "words"),
    [
        (0.40, 0.35, "no better than guessing"),
        (0.10, None, "no better than guessing"),
        (0.60, 0.99, "right on the training data only"),
        (0.80, 0.82, "on its way"),
        (NAN, NAN, "blew up"),
    ],
)
def test_usual_failures_of_a_build_are_told_apart(score, trained, words):
    c = judge(lambda c: c.learned(score, chance=0.33, at_least=0.95, trained=trained))
    assert c.state == NOT_YET and words in str(c)
    assert "guessing gives 0.330" in str(c)


NUMBERS = {
    "with a graph": lambda x: torch.tensor(x, requires_grad=True),
    "a single number in a row": lambda x: torch.tensor([x]),
    "half precision": lambda x: torch.tensor(x, dtype=torch.bfloat16),
    "numpy": np.float32,
    "an array": np.array,
}


@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
def test_score_may_be_any_kind_of_number(number):
    def ask(score):
        return judge(
            lambda c: c.learned(
                number(score), chance=number(0.5), trained=number(0.0), at_least=number(0.875)
            )
        )

    assert ask(1.0).state == PASSED
    assert ask(0.75).state == NOT_YET
    assert "0.750 on data it has not seen (0.000 on the training data)" in str(ask(0.75))
    assert "at least 0.875" in str(ask(0.75)) and "guessing gives 0.500" in str(ask(0.75))


def test_a_build_that_reaches_its_goal_passes():
    assert judge(lambda c: c.learned(0.95, chance=0.33, at_least=0.95)).state == PASSED
    assert judge(lambda c: c.learned(1.6, chance=4, at_most=1.7, what="loss")).state == PASSED
    assert judge(lambda c: c.learned(1.8, chance=4, at_most=1.7, what="loss")).state == NOT_YET
