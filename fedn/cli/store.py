"""`fedn store`: move a federation to other stores, back it up, restore it."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from fedn.cli import places, show
from fedn.cli.options import existing_file, existing_folder, json_option
from fedn.cli.places import Place
from fedn.config import FileStorageSettings, ReducerSettings, SqliteSettings, load_reducer
from fedn.errors import ConfigError, Conflict, Corrupt, InvalidInput, NotFound
from fedn.reducer.identity import check_keys
from fedn.security import keyring, private
from fedn.stores.transfer import Moved, Progress, check_still_named, copy_documents, copy_files
from fedn.version import __version__

MANIFEST = "backup.json"
_FORMAT = 1

data_dir_option = click.option("--data-dir", metavar="FOLDER", help="Data folder of the reducer.  [default: fedn-data]")
init_option = click.option("--init", type=existing_file, metavar="FILE", help="Settings file of the reducer.")


@click.group()
def store() -> None:
    """Stores: move a federation to others, back it up, restore it."""


@store.command()
@click.option(
    "--from", "source_file", type=existing_file, metavar="FILE", help="Settings file of a reducer: from where."
)
@click.option("--to", "target_file", type=existing_file, metavar="FILE", help="Settings file of a reducer: where to.")
@data_dir_option
@json_option
def migrate(source_file: Path | None, target_file: Path | None, data_dir: str | None, as_json: bool) -> None:
    """Move a federation from some stores to others. No reducer may run on either. Can be repeated after a crash.

    Where only one of the two files is given, the other end is the embedded stores in the data folder. Where both name
    the same state store, only models and packages are moved.
    """
    source, target = _ends(source_file, target_file, data_dir)
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        stack.enter_context(places.alone(places.keys_of(source), places.keys_of(target)))
        here = stack.enter_context(places.opened(source, make=False))
        here.lead()
        here.require_documents()
        if _where(source)[0] == _where(target)[0]:
            there = stack.enter_context(places.opened(target, state=here.state))
        else:
            there = stack.enter_context(places.opened(target))
            there.lead()
            there.require_empty()
        moved = _move(here, there)
    report = _report(target, moved, began)
    _print(report | {"next": _next(target_file, data_dir)}, as_json=as_json)


@store.command()
@click.argument("folder", type=click.Path(path_type=Path))
@init_option
@data_dir_option
@json_option
def backup(folder: Path, init: Path | None, data_dir: str | None, as_json: bool) -> None:
    """Copy a federation into the new FOLDER, while its reducer may go on. Keys are among it: keep it to yourself."""
    settings = load_reducer(init, {"data_dir": data_dir})
    places.require_state(settings)
    places.check_network(settings)
    if folder.exists():
        raise Conflict(f"{folder} is there already", hint="name a folder that is not there yet")
    began = time.monotonic()
    with _unfinished(folder) as unfinished, places.opened(settings, make=False) as here:
        here.require_documents()
        copy = places.embedded(settings, unfinished)
        _check_keys(here, places.keys_of(copy))
        moved = Moved()
        with places.opened(copy) as there:
            copy_documents(here.state, there.state, moved)
            try:
                copy_files(there.state, here.artifacts, there.artifacts, moved, report=_progress)
            except (NotFound, Corrupt) as error:
                check_still_named(here.state, error, there.state)
                raise
        keyring.copy(here.folder, there.folder)
        report = _report(settings, moved, began)
        manifest = {"format": _FORMAT, "version": __version__, "created_at": time.time(), **report}
        private.write(unfinished / MANIFEST, f"{json.dumps(manifest, indent=2)}\n".encode())
    _print(report | {"folder": str(folder)}, as_json=as_json)


@store.command()
@click.argument("folder", type=existing_folder)
@init_option
@data_dir_option
@json_option
def restore(folder: Path, init: Path | None, data_dir: str | None, as_json: bool) -> None:
    """Copy what `fedn store backup` made in FOLDER into empty stores. Every file is checked. Can be repeated."""
    settings = load_reducer(init, {"data_dir": data_dir})
    manifest = _manifest(folder)
    _require_same(manifest["network_id"], settings.network_id, what=f"the backup {folder}")
    copy = places.embedded(settings, folder)
    if places.keys_of(copy).resolve() == places.keys_of(settings).resolve():
        raise InvalidInput(f"{folder} is the data folder itself", hint="name another with --data-dir")
    places.require_state(copy)
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        stack.enter_context(places.alone(places.keys_of(copy), places.keys_of(settings)))
        here = stack.enter_context(places.opened(copy, make=False))
        there = stack.enter_context(places.opened(settings))
        there.lead()
        there.require_empty()
        moved = _move(here, there)
    report = _report(settings, moved, began)
    _print(report | {"next": _next(init, data_dir)}, as_json=as_json)


def _ends(source: Path | None, target: Path | None, data_dir: str | None) -> tuple[ReducerSettings, ReducerSettings]:
    """The settings of both ends, for one network and different stores."""
    if source is None and target is None:
        raise click.UsageError("give --to FILE, --from FILE, or both")
    given = [load_reducer(file, {"data_dir": data_dir}) if file else None for file in (source, target)]
    known = next(settings for settings in given if settings)
    other = places.embedded(known, Path(data_dir) if data_dir else known.data_dir)
    here, there = given[0] or other, given[1] or other
    _require_same(here.network_id, there.network_id, what=f"{source or 'the source'}")
    if _where(here) == _where(there):
        raise InvalidInput("both ends are the same stores", hint="name others with --from or --to")
    places.require_state(here)
    places.check_network(here)
    return here, there


def _where(settings: ReducerSettings) -> tuple[object, object]:
    """What tells state stores and artifact stores apart."""
    state, storage, data_dir = settings.statestore, settings.storage, settings.data_dir
    return (
        (data_dir / state.path).resolve() if isinstance(state, SqliteSettings) else (state.host, state.port),
        (data_dir / storage.path).resolve()
        if isinstance(storage, FileStorageSettings)
        else (storage.hostname, storage.port, storage.bucket, storage.context_bucket),
    )


def _require_same(network_id: str, wanted: str, *, what: str) -> None:
    if network_id != wanted:
        raise ConfigError(
            f"{what} is of the network {network_id}, and the settings say {wanted}",
            hint=f"set network_id to {network_id} (or FEDN_NETWORK_ID): tokens carry it",
        )


def _move(here: Place, there: Place) -> Moved:
    """Files, keys, documents, in this order: so nothing is ever named that isn't there."""
    moved = Moved()
    same_folder = here.folder.resolve() == there.folder.resolve()
    _check_keys(here, here.folder if same_folder else there.folder)
    copy_files(here.state, here.artifacts, there.artifacts, moved, report=_progress)
    if not same_folder:
        keyring.copy(here.folder, there.folder)
    here.check_lead()
    if there.state is not here.state:
        copy_documents(here.state, there.state, moved)
    return moved


def _check_keys(here: Place, target: Path) -> None:
    """That the keys are those of the network that is moved, and may be copied to `target`."""
    keyring.check(here.folder, target)
    check_keys(here.folder, here.state)


@contextlib.contextmanager
def _unfinished(folder: Path) -> Iterator[Path]:
    """A folder to fill, which gets its name at the end, or is removed."""
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    with places.alone(unfinished / "reducer"):
        try:
            for left in unfinished.iterdir():  # by one that was killed
                if left.name not in ("reducer", MANIFEST):
                    raise Conflict(f"{unfinished} holds {left.name}, which is of no backup", hint="move it away")
            places.remove(*(left for left in (unfinished / "reducer").iterdir() if left.name != "lock"))
            yield unfinished
            unfinished.chmod(0o700)
            unfinished.rename(folder)
        except Conflict:
            raise
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
        layout, _ = int(manifest["format"]), str(manifest["network_id"])
    except FileNotFoundError:
        raise NotFound(
            f"{folder} is no backup: there is no {MANIFEST}", hint="name what `fedn store backup` made"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Corrupt(f"{folder / MANIFEST} can't be read: {error}", hint="name another backup") from error
    if layout > _FORMAT:
        raise ConfigError(f"{folder} was made by FEDn {manifest.get('version')}", hint="upgrade FEDn")
    return manifest


def _report(settings: ReducerSettings, moved: Moved, began: float) -> dict[str, Any]:
    return {
        "network_id": settings.network_id,
        "documents": dict(sorted(moved.documents.items())),
        "files": moved.files,
        "files_present": moved.present,
        "files_left": moved.orphans,
        "bytes": moved.bytes,
        "seconds": round(time.monotonic() - began, 3),
    }


def _next(init: Path | None, data_dir: str | None) -> str:
    """The command that runs a reducer on what has been moved."""
    words = (("--init", init), ("--data-dir", data_dir))
    return " ".join(["fedn run reducer", *(f"{option} {value}" for option, value in words if value)])


def _print(report: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show.print_json(report)
        return
    lines = {"network": report["network_id"], "documents": sum(report["documents"].values())}
    lines |= {f"  {kind}": count for kind, count in report["documents"].items()}
    present = f", {report['files_present']} of them were there" if report["files_present"] else ""
    lines["files"] = f"{report['files']}{present}, {show.size(report['bytes'])}"
    if report["files_left"]:
        lines["left"] = f"{report['files_left']} files that no document names"
    lines["seconds"] = report["seconds"]
    lines |= {name: report[name] for name in ("folder", "next") if name in report}
    show.record(lines, as_json=False)


def _progress(progress: Progress) -> None:
    """Say on a terminal how far the files are."""
    if sys.stderr.isatty():
        end = "\n" if progress.done == progress.total else ""
        text = f"\r{progress.done} of {progress.total} files, {show.size(progress.bytes)}  {end}"
        click.echo(text, err=True, nl=False)
