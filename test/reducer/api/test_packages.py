from __future__ import annotations

import hashlib
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from fedn.errors import Conflict, InvalidInput, InvalidPackage, NotFound, SessionRunning, TooLarge
from fedn.security.tokens import Role


def test_a_package_is_checked_kept_and_given_to_clients(reducer: Any, make_package: Any, tmp_path: Path) -> None:
    archive = make_package()
    http = reducer.http(Role.OPERATOR)
    package = http.upload("/api/v1/packages", archive, name="../my pack age.tgz")
    content = archive.read_bytes()
    assert package["id"] == hashlib.sha256(content).hexdigest()
    assert package["md5"] == hashlib.md5(content).hexdigest()
    assert (package["name"], package["size"], package["helper"]) == ("my-pack-age.tgz", len(content), "numpyarray")
    assert http.get("/api/v1/packages")["items"] == [package]
    assert http.get(f"/api/v1/packages/{package['id']}") == package
    reducer.http(Role.CLIENT).download(f"/api/v1/packages/{package['id']}/data", tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == content


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", "package.tgz"),
        ("a.tar.bz2", "a.tar.bz2"),
        ("..", "package.tgz"),
        ('x";y.tgz', "x-y.tgz"),
        ("é.zip", "zip.tgz"),
    ],
)
def test_the_name_is_made_harmless(reducer: Any, make_package: Any, given: str, kept: str) -> None:
    package = reducer.http(Role.OPERATOR).upload("/api/v1/packages", make_package(), name=given)
    assert package["name"] == kept
    response = reducer.raw(reducer.token(Role.VIEWER)).get(f"/api/v1/packages/{package['id']}/data")
    assert response.headers["content-disposition"] == f"attachment; filename={kept}"


def test_the_helper_is_what_is_asked_for_or_what_the_manifest_or_the_settings_say(
    start_reducer: Any, make_package: Any
) -> None:
    plain = b"entry_points: {train: {command: python3 train.py}}"
    with ExitStack() as stack:
        http = start_reducer(stack, helper="keras").http(Role.OPERATOR)
        assert http.upload("/api/v1/packages", make_package(manifest=plain))["helper"] == "keras"
        assert http.upload("/api/v1/packages", make_package())["helper"] == "numpyarray"
        assert http.upload("/api/v1/packages", make_package(code=b"1"), helper="pytorch")["helper"] == "pytorch"
        assert http.upload("/api/v1/packages", make_package(code=b"2"), helper="somebody-s")["helper"] == "somebody-s"
        with pytest.raises(InvalidInput, match="'my helper' is no name of a helper"):
            http.upload("/api/v1/packages", make_package(code=b"3"), helper="my helper")


def test_what_is_no_package_is_refused_and_forgotten(reducer: Any, make_package: Any, tmp_path: Path) -> None:
    http = reducer.http(Role.OPERATOR)
    (tmp_path / "text").write_text("hello")
    for archive in (tmp_path / "text", make_package(manifest=b"entry_points: {}")):
        with pytest.raises(InvalidPackage):
            http.upload("/api/v1/packages", archive)
    assert http.get("/api/v1/packages")["items"] == []
    assert reducer.services.artifacts.list("fedn-context") == []
    assert list((reducer.data_dir / "reducer" / "tmp").iterdir()) == []


def test_a_package_over_the_limit_is_refused(start_reducer: Any, make_package: Any) -> None:
    with ExitStack() as stack:
        http = start_reducer(stack, max_package_bytes=10).http(Role.OPERATOR)
        with pytest.raises(TooLarge, match="max_package_bytes"):
            http.upload("/api/v1/packages", make_package())


def test_a_seeded_federation_keeps_its_package(reducer: Any, make_package: Any, model_file: Path) -> None:
    http = reducer.http(Role.OPERATOR)
    http.upload("/api/v1/packages", make_package(code=b"first"))
    package = http.upload("/api/v1/packages", make_package(code=b"second"))
    assert http.get("/api/v1/network")["reducer"]["package_id"] == package["id"]
    http.upload("/api/v1/models", model_file)
    with pytest.raises(Conflict, match=r"can't be replaced.*drop_control"):
        http.upload("/api/v1/packages", make_package(code=b"third"))
    with pytest.raises(Conflict):
        http.upload("/api/v1/packages", make_package(code=b"first"))
    assert http.upload("/api/v1/packages", make_package(code=b"second")) == package
    assert http.get("/api/v1/network")["reducer"]["package_id"] == package["id"]


def test_a_federation_that_was_seeded_without_a_package_takes_one_between_sessions(
    reducer: Any, make_package: Any, model_file: Path
) -> None:
    http = reducer.http(Role.OPERATOR)
    http.upload("/api/v1/models", model_file)
    reducer.add_clients("a", needs_package=False)
    session = http.post("/api/v1/sessions", {"round_timeout": 60})
    with pytest.raises(SessionRunning, match=session["id"]):
        http.upload("/api/v1/packages", make_package())
    http.post(f"/api/v1/sessions/{session['id']}/stop")
    for _ in http.lines(f"/api/v1/sessions/{session['id']}/watch"):
        pass
    assert http.upload("/api/v1/packages", make_package())["size"] > 0


def test_there_is_no_such_package(shared: Any) -> None:
    for path in ("/api/v1/packages/none", "/api/v1/packages/none/data"):
        with pytest.raises(NotFound):
            shared.http(Role.VIEWER).read(path)
