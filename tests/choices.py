"""How the choices within the lines of a module come out: both ways, and where it makes a difference."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

Choice: TypeAlias = tuple[int, int, bool]  # line, column, and which way


class Watched:
    """A module read anew, so that `seen` grows by each choice that is made in it and could have mattered.

    Of `a if b else c` both are looked at: a way counts where the other one would have given something else. Of `and` and
    `or` each part but the last counts by whether it was true.
    """

    def __init__(self, module: ModuleType) -> None:
        assert module.__file__ is not None
        self.source = Path(module.__file__).read_text(encoding="utf-8")
        tree = ast.parse(self.source)
        self.every: set[Choice] = {(*place, way) for place in _places(tree) for way in (True, False)}
        self.seen: set[Choice] = set()
        self.within: dict[str, Any] = {"__name__": module.__name__, "_choose": self._choose, "_part": self._part}
        made = ast.fix_missing_locations(_Opened().visit(tree))
        exec(compile(made, module.__file__, "exec"), self.within)

    def _choose(self, line: int, column: int, test: object, one: Callable[[], Any], other: Callable[[], Any]) -> Any:
        way = bool(test)
        taken, left = (one, other) if way else (other, one)
        made = taken()
        if _differs(left, made):
            self.seen.add((line, column, way))
        return made

    def _part(self, line: int, column: int, value: Any) -> Any:
        self.seen.add((line, column, bool(value)))
        return value


def _differs(left: Callable[[], Any], made: object) -> bool:
    try:
        return bool(left() != made)
    except Exception:  # what cannot be done was rightly not done
        return True


def _places(tree: ast.AST) -> Iterator[tuple[int, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.IfExp):
            yield node.lineno, node.col_offset
        if isinstance(node, ast.BoolOp):
            yield from ((part.lineno, part.col_offset) for part in node.values[:-1])


class _Opened(ast.NodeTransformer):
    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        place = (node.lineno, node.col_offset)
        self.generic_visit(node)
        return _call("_choose", place, node.test, _later(node.body), _later(node.orelse))

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        places = [(part.lineno, part.col_offset) for part in node.values[:-1]]
        self.generic_visit(node)
        parts = [_call("_part", place, part) for place, part in zip(places, node.values[:-1], strict=True)]
        node.values = [*parts, node.values[-1]]
        return node


def _call(name: str, place: tuple[int, int], *parts: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(name, ast.Load()), [*map(ast.Constant, place), *parts], [])


def _later(value: ast.expr) -> ast.expr:
    nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    return ast.Lambda(nothing, value)
