"""A new project from a template: a small compute package that works, to be made one's own."""

from __future__ import annotations

import shutil
from pathlib import Path

from fedn.errors import Conflict, InvalidInput

_TEMPLATES = Path(__file__).parent / "templates"


def templates() -> list[str]:
    """The names of the templates there are."""
    return sorted(path.name for path in _TEMPLATES.iterdir() if path.is_dir())


def template(name: str) -> Path:
    """The folder of a template, itself a project.

    Raises:
        InvalidInput: There is none of that name.
    """
    if name not in templates():
        raise InvalidInput(f"there is no template {name!r}", hint=f"known: {', '.join(templates())}")
    return _TEMPLATES / name


def create(folder: Path, *, template_name: str) -> list[Path]:
    """Write a template's project into `folder`, which is made if there is none.

    Returns:
        The files written.

    Raises:
        Conflict: `folder` holds a compute package or a README.md already; nothing is overwritten.
        InvalidInput: There is no such template, or `folder` can't be written to.
    """
    source = template(template_name)
    written = []
    try:
        for entry in sorted(source.iterdir()):
            if (folder / entry.name).exists():
                raise Conflict(f"{folder / entry.name} is there already", hint="name another folder")
        for file in sorted(source.rglob("*")):
            if file.is_file() and file.suffix != ".pyc":  # installing FEDn compiles its templates, too
                target = folder / file.relative_to(source)
                target.parent.mkdir(parents=True, exist_ok=True)
                written.append(Path(shutil.copyfile(file, target)))
    except OSError as error:
        raise InvalidInput(
            f"{folder} can't be written to: {error.strerror}", hint="name another folder, or see to its permissions"
        ) from None
    return written
