"""A new project from a template: a small compute package that works, to be made one's own."""

from __future__ import annotations

import shutil
from pathlib import Path

from fedn.errors import Conflict

_TEMPLATES = Path(__file__).parent / "templates"


def templates() -> list[str]:
    """The names of the templates there are."""
    return sorted(path.name for path in _TEMPLATES.iterdir() if path.is_dir())


def template(name: str) -> Path:
    """The folder of a template, itself a project."""
    return _TEMPLATES / name


def create(folder: Path, *, template_name: str) -> list[Path]:
    """Write a template's project into `folder`, which is made if there is none.

    Returns:
        The files written.

    Raises:
        Conflict: `folder` holds a compute package already.
    """
    if (folder / "client").exists():
        raise Conflict(f"{folder / 'client'} is there already", hint="name another folder")
    source = template(template_name)
    shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return sorted(folder / path.relative_to(source) for path in source.rglob("*") if path.is_file())
