from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from fedn.config import Option, ReducerSettings, load_reducer, options
from fedn.errors import Forbidden
from fedn.reducer import shown
from fedn.security.tokens import Role

CANARY = "c4n4ry"
STORES = [("SQLite", "files"), ("MongoDB", "S3")]


def loaded(statestore: str, storage: str, **flags: str) -> ReducerSettings:
    return load_reducer(None, {"statestore.type": statestore, "storage.type": storage, **flags}, {})


def applies(option: Option, kinds: tuple[str, str]) -> bool:
    return not option.owner or option.owner in kinds


def flat(settings: ReducerSettings) -> dict[str, Any]:
    return {one["name"]: one["value"] for group in shown.groups(settings) for one in group["settings"]}


@pytest.mark.parametrize("stores", STORES)
def test_every_setting_is_shown_but_no_secret(stores: tuple[str, str]) -> None:
    secrets = {one.name: CANARY for one in options(ReducerSettings) if one.secret and not one.is_file}
    given = {name: text for name, text in secrets.items() if applies(_option(name), stores)}
    settings = loaded(*stores, **given)
    assert CANARY in str([getattr(settings, each.name) for each in fields(settings)]) or CANARY in _values(settings)
    found = flat(settings)
    assert CANARY not in str(shown.groups(settings))
    assert {name for name, value in found.items() if value == shown.HIDDEN} == set(given)
    expected = {one.name for one in options(ReducerSettings) if applies(one, stores) and not one.is_file}
    assert found.keys() == expected


def _option(name: str) -> Option:
    return next(one for one in options(ReducerSettings) if one.name == name)


def _values(settings: ReducerSettings) -> str:
    return str([vars(settings), vars(settings.statestore), vars(settings.storage)])


def test_what_is_named_like_a_secret_is_one() -> None:
    values = [one for one in options(ReducerSettings) if not one.is_file]
    named = {one.name for one in values if re.search(r"password|secret|token$|access_key", one.name)}
    assert named == {one.name for one in values if one.secret}


@pytest.mark.parametrize(
    ("host", "seen"),
    [
        ("db.example", "db.example"),
        (f"mongodb://user:{CANARY}@db.example", "mongodb://••••@db.example"),
        (f"mongodb+srv://user:{CANARY}/x@db.example/?w=1", "mongodb+srv://••••@db.example/?w=1"),
        (f"user:{CANARY}@db.example", "••••@db.example"),
        (f"user:{CANARY}@a,user:{CANARY}@b", "••••@b"),
        (f"user:{CANARY},@//{CANARY}@b", "••••@b"),
    ],
)
def test_no_user_is_shown_in_an_address(host: str, seen: str) -> None:
    settings = loaded("MongoDB", "files")
    settings = replace(settings, statestore=replace(settings.statestore, host=host))
    assert flat(settings)["statestore.host"] == seen
    assert CANARY not in str(shown.groups(settings))


def test_a_secret_that_is_not_set_is_seen_to_be_so() -> None:
    assert flat(loaded("MongoDB", "S3"))["statestore.password"] == ""


def test_a_viewer_sees_the_settings_in_groups_with_their_meaning(reducer: Any) -> None:
    groups = reducer.http(Role.VIEWER).get("/api/v1/settings")["groups"]
    assert [group["name"] for group in groups] == ["reducer", "statestore", "storage"]
    found = {one["name"]: one for group in groups for one in group["settings"]}
    assert Path(found["data_dir"]["value"]) == reducer.data_dir
    assert (found["port"]["value"], found["legacy_clients"]["value"], found["names"]["value"]) == (0, False, [])
    assert found["storage.path"] == {
        "name": "storage.path",
        "key": "storage.path",
        "variable": "FEDN_STORAGE_PATH",
        "value": "reducer/artifacts",
        "meaning": "The folder of models and packages; a relative path starts at `data_dir`.",
    }
    assert found["storage.type"]["value"] == "files"
    with pytest.raises(Forbidden):
        reducer.http(Role.CLIENT).get("/api/v1/settings")
