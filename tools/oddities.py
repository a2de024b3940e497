"""What answers have no business with: frames, the check's insides, the environment, files elsewhere.

A pass in which any of it is found is not credited until a person has looked. This reads the answer's text; what
it cannot see, the kernel compares afterwards, and what neither sees has to fool a stored wrong answer, too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator


def words(text: str) -> set[str]:
    return set(text.split())


MODULES = words("""
    torch torchvision torchmetrics numpy pandas matplotlib sklearn scipy skimage PIL timm
    math cmath random time datetime itertools collections functools operator statistics
    string re json csv copy pathlib typing dataclasses warnings contextlib tqdm utils heapq
    bisect fractions decimal enum abc textwrap pprint unicodedata tempfile IPython seaborn
    __future__ numbers timeit io os sys pyarrow
""")
CALLS = words("""
    eval exec compile __import__ globals locals vars breakpoint setattr delattr memoryview check
    Check CheckFailed
""")
PARTS = words("""
    f_back f_globals f_locals f_builtins f_code tb_frame tb_next gi_frame gi_code cr_frame
    ag_frame sys os modules builtins inspect gc ctypes importlib subprocess threading
    multiprocessing signal environ getenv putenv system popen kill fork execv settrace
    setprofile read_pickle checks overrides library cpp_extension hub meta_path path_hooks
    displayhook excepthook exit abort stdout stderr stdin mro ctypeslib attrgetter
    methodcaller check Check CheckFailed home expanduser parents
""")
OF = {
    "os": words("path listdir makedirs mkdir remove sep linesep getcwd cpu_count name"),
    "sys": words("version version_info getsizeof maxsize float_info byteorder platform"),
}
DUNDERS = words("""
    __init__ __len__ __getitem__ __iter__ __next__ __call__ __repr__ __str__ __enter__
    __exit__ __name__ __version__ __doc__ __main__ __all__
""")
BASES = words("""
    int float complex str bytes bool dict list tuple set Tensor Parameter ndarray DataFrame
    Series
""")
OUTSIDE = re.compile(
    r"(^|/)\.\.(/|$)|^~|^/|^[A-Za-z]:\\|\b(solutions|wrong_answers|lessons)\b|\.git\b"
)


def business(sources: list[str]) -> set[str]:
    """What the course's own answer uses of all that: others may, too."""
    return {what for source in sources for _, what in _oddities(source)}


def oddities(source: str, allowed: set[str]) -> list[str]:
    """What a person should look at, with the line: what answers have no business with."""
    rows = source.split("\n")
    found = [(n, what) for n, what in _oddities(source) if what not in allowed]
    return [f"{what}: {rows[n - 1].strip()[:120]}" for n, what in dict.fromkeys(found)]


def _oddities(source: str) -> Iterator[tuple[int, str]]:
    tree = _tree(source)
    modules: set[str] = {"torch", "np", "plt", "pd", "nn", "F", "random", "math", "time", "utils"}
    fine: set[int] = set()  # setattr(self, …)
    for node in ast.walk(tree) if tree else ():
        line = getattr(node, "lineno", 1)
        if isinstance(node, ast.Import | ast.ImportFrom):
            paths = (
                [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
            )
            if isinstance(node, ast.ImportFrom):
                paths += [f"{node.module}.{a.name}" for a in node.names]
            for path in paths:
                top, *rest = path.split(".")
                unknown = rest and top in OF and rest[0] not in OF[top]
                if top not in MODULES or set(rest) & PARTS or unknown:
                    yield line, f"imports {path}"
            modules |= {(a.asname or a.name).partition(".")[0] for a in node.names}
        elif isinstance(node, ast.Name) and (node.id in CALLS or _hidden(node.id)):
            if id(node) not in fine:
                yield line, f"uses {node.id}"
        elif isinstance(node, ast.Attribute):
            root = getattr(node.value, "id", "")
            own = root in ("self", "cls")
            if root in OF and node.attr not in OF[root]:
                yield line, f"uses {root}.{node.attr}"
            if (
                node.attr in PARTS
                or _hidden(node.attr)
                or (node.attr[0] == "_" != node.attr[1:2] and not own)
            ):
                yield line, f"uses .{node.attr}"
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if _hidden(node.name):
                yield line, f"defines {node.name}"
            for base in getattr(node, "bases", []):
                if (name := getattr(base, "attr", getattr(base, "id", ""))) in BASES:
                    yield line, f"derives from {name}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if _hidden(node.value.strip()) or (
                OUTSIDE.search(node.value) and "\n" not in node.value
            ):
                yield line, f"says {node.value[:40]!r}"
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "id", "")
            if name == "setattr" and node.args and getattr(node.args[0], "id", "") == "self":
                fine.add(id(node.func))  # the call is walked before its parts
            if name == "getattr" and not (
                len(node.args) > 1 and isinstance(node.args[1], ast.Constant)
            ):
                yield line, "uses getattr"
            if name == "type" and len(node.args) > 1:
                yield line, "makes a type"
            for key in node.keywords:
                safe = {"allow_pickle": False, "weights_only": True}.get(key.arg or "")
                if safe is not None and getattr(key.value, "value", None) is not safe:
                    yield line, "loads a pickle"
        for target in getattr(node, "targets", None) or [getattr(node, "target", None)]:
            below = target
            while isinstance(below, ast.Attribute):
                below = below.value
            module = below is not target and isinstance(below, ast.Name) and below.id in modules
            if module and not re.search("backends|rcParams", said := ast.unparse(target)):
                yield line, f"changes {said}"


def _hidden(name: str) -> bool:
    return name.startswith("__") and name.endswith("__") and len(name) > 4 and name not in DUNDERS


def _tree(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
