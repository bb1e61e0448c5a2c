"""What a module's source can say: its string expressions, in order, with holes for what is put in. Pure.

A hole is written as what fills it is called: f"{human_bytes(left)} is left" is "{left} is left". Where one of
two words is chosen, both are there: "{count} process[ has|es have]".
"""

import ast
import re
from collections.abc import Iterable, Iterator

HOLE = re.compile(r"\{[^{}]*\}")
CHOICE = re.compile(r"\[([^\[\]|]*)\|([^\[\]|]*)\]")
UNNAMED = "…"
_WORD = re.compile(r"[^\W\d_]{2,}")
_CODE = re.compile(r"\\[dwsbAZ(.|]|\(\?|\[\^|%[-0-9]*[ds]\b.*%[-0-9]*[ds]\b")
"""Of a pattern, or of a struct's layout; nobody says so."""
_UNSPOKEN_CALLS = frozenset(
    {"compile", "sub", "fullmatch", "findall", "search", "cast", "split", "splitlines", "TypeVar"}
)
_OF_SCRIPTS = re.compile(r'"[^"\n]*"|`[^`]*`')
_LABELLED = re.compile(r"[A-Z_]+")


def spoken(source: str) -> list[str]:
    """Return the texts of a module, each once."""
    return list(dict.fromkeys(text for text in _texts(ast.parse(source)) if text.strip()))


def spoken_in_the_browser(script: str) -> list[str]:
    """Return the texts of a script of the HTML page."""
    texts = (re.sub(r"\$\{[\w.]*?(\w+)\}", r"{\1}", each[1:-1]) for each in _OF_SCRIPTS.findall(script))
    return list(dict.fromkeys(text for text in texts if is_prose(text)))


def _texts(tree: ast.Module) -> Iterator[str]:
    for statement in tree.body:
        labels = _is_labels(statement)
        for expression in _expressions(statement):
            yield from (text for text in _said(expression) if labels or is_prose(text))


def is_prose(text: str) -> bool:
    """Return whether a text has a word beside something else: a name alone is a key, and no text."""
    return any(map(_is_prose, chosen(text))) and not _CODE.search(text)


def chosen(text: str) -> Iterator[str]:
    """Yield the text with each choice made: the first of all and the second of all."""
    yield CHOICE.sub(r"\1", text)
    yield CHOICE.sub(r"\2", text)


def _is_prose(text: str) -> bool:
    plain = HOLE.sub("#", text)
    return bool(_WORD.search(plain)) and bool(re.search(r"\S\s|\s\S", plain))


def _is_labels(statement: ast.stmt) -> bool:
    """Return whether it is a table of labels: a constant that gives each key a text, however short."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Dict(keys=keys, values=values)):
            texts = [each for each in values if _is_text(each)]
            return (
                bool(_LABELLED.fullmatch(name))
                and bool(keys)
                and len(texts) == len(values)
                and any(is_prose(text) for each in texts for text in _said(each))
            )
        case _:
            return False


def _expressions(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the outermost expressions that make a text, and the help that a command's docstring is."""
    if isinstance(node, ast.expr) and _is_text(node):
        yield node
        return
    if isinstance(node, ast.FunctionDef) and _is_command(node):
        yield from (each.value for each in node.body[:1] if isinstance(each, ast.Expr))
    for child in _read(node):
        yield from _expressions(child)


def _read(node: ast.AST) -> Iterable[ast.AST]:
    """Return the parts of it that may hold a text: no docstring, key, annotation, pattern, word list."""
    match node:
        case ast.Expr(value=ast.Constant()) | ast.arg():
            return ()
        case ast.Dict(values=values):
            return values
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in _UNSPOKEN_CALLS:
            return ()
        case ast.AnnAssign(value=value):
            return () if value is None else (value,)
        case _:
            returns = getattr(node, "returns", None)
            return (child for child in ast.iter_child_nodes(node) if child is not returns)


def _is_command(function: ast.FunctionDef) -> bool:
    return any(
        "command(" in ast.unparse(each) or "group(" in ast.unparse(each) for each in function.decorator_list
    )


def _is_text(node: ast.AST) -> bool:
    match node:
        case ast.Constant(value=str()) | ast.JoinedStr():
            return True
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _is_text(left) or _is_text(right)
        case ast.IfExp(body=body, orelse=orelse):
            return _is_text(body) and _is_text(orelse)
        case _:
            return False


def _said(expression: ast.expr) -> Iterator[str]:
    """Yield the text, and then those that stand within its holes."""
    holes: list[ast.expr] = []
    yield _line(_shown(expression, holes))
    for hole in holes:
        for inner in _expressions(hole):
            yield from _said(inner)


def _shown(node: ast.expr, holes: list[ast.expr]) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_shown(each, holes) for each in values)
        case ast.FormattedValue(value=value):
            return _shown(value, holes)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _shown(left, holes) + _shown(right, holes)
        case ast.IfExp(body=body, orelse=orelse) if _is_text(node):
            return f"[{_shown(body, holes)}|{_shown(orelse, holes)}]"
        case _:
            holes.append(node)
            return f"{{{_name(node)}}}"


def _name(node: ast.expr) -> str:
    match node:
        case (
            ast.Name(id=name) | ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=str(name)))
        ):
            return name
        case ast.Subscript(value=value):
            return _name(value)
        case ast.Call(args=[ast.Name() | ast.Attribute() | ast.Subscript() | ast.BinOp() as first, *_]):
            return _name(first)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return f"{_name(left)} - {_name(right)}"
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name
        case _:
            return UNNAMED


def _line(text: str) -> str:
    """Return a text as one line, in which a line's end and a control character are written out."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)
