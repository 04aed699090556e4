"""The text that stands under each field of a settings class, for help and documentation."""

from __future__ import annotations

import ast
import inspect
from itertools import pairwise
from textwrap import dedent

from fedn.config.schema import Section


def texts(section: type[Section]) -> dict[str, str]:
    """What the fields of a settings class are for, by field name; inherited ones first."""
    found: dict[str, str] = {}
    for parent in reversed(section.__mro__):
        if issubclass(parent, Section):
            found |= _own(parent)
    return found


def _own(section: type[Section]) -> dict[str, str]:
    """Those written in the class itself: a field's text is the string right below it."""
    [definition] = ast.parse(dedent(inspect.getsource(section))).body
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    found = {}
    for field, below in pairwise(body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = inspect.cleandoc(text)
    return found
