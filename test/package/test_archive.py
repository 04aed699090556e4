import bz2
import gzip
import io
import os
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedn.errors import FednError, InvalidInput, InvalidPackage, TooLarge
from fedn.package.archive import build, check, extract
from fedn.package.members import Limits

MANIFEST = b"entry_points: {train: {command: python3 train.py}}\n"


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, mode
    return info


def tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        for info, content in members:
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def pack(folder: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    archive = folder / "package.tgz"
    archive.write_bytes(gzip.compress(tar((member("client/fedn.yaml"), MANIFEST), *members)))
    return archive


def project(folder: Path, manifest: bytes = MANIFEST) -> Path:
    code = folder / "project" / "client"
    (code / "lib" / "__pycache__").mkdir(parents=True)
    (code / ".git").mkdir()
    (code / "fedn.yaml").write_bytes(manifest)
    (code / "train.py").write_text("print('hello')\n")
    (code / "lib" / "run.sh").write_text("#!/bin/sh\n")
    (code / "lib" / "run.sh").chmod(0o700)
    (code / "lib" / "__pycache__" / "a.pyc").write_text("")
    (code / "stale.pyc").write_text("")
    (code / ".git" / "HEAD").write_text("")
    (folder / "project" / "data").mkdir()
    (folder / "project" / "data" / "private.csv").write_text("1,2\n")
    return folder / "project"


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_what_is_built_comes_out_again(tmp_path: Path) -> None:
    archive = build(project(tmp_path), tmp_path / "package.tgz")
    assert check(archive) == extract(archive, tmp_path / "work")
    assert files(tmp_path / "work") == ["client/fedn.yaml", "client/lib/run.sh", "client/train.py"]
    assert os.access(tmp_path / "work/client/lib/run.sh", os.X_OK)
    assert not os.access(tmp_path / "work/client/train.py", os.X_OK)


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    source = project(tmp_path)
    first = build(source, tmp_path / "a.tar.gz").read_bytes()
    for path in source.rglob("*"):
        os.utime(path, (1, 1))
    assert build(source, tmp_path / "another-name.tgz").read_bytes() == first


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda code: (code / "fedn.yaml").unlink(), "has no client/fedn.yaml"),
        (lambda code: (code / "fedn.yaml").write_text("entry_points: {}"), "neither a train nor a validate"),
        (lambda code: (code / "passwd").symlink_to("/etc/passwd"), "client/passwd is a link or device"),
        (lambda code: os.mkfifo(code / "pipe"), "client/pipe is a link or device"),
    ],
)
def test_a_project_that_is_no_package_leaves_nothing(
    tmp_path: Path, spoil: Callable[[Path], object], error: str
) -> None:
    source = project(tmp_path)
    spoil(source / "client")
    with pytest.raises(InvalidPackage, match=error):
        build(source, tmp_path / "package.tgz")
    assert list(tmp_path.iterdir()) == [source]


def test_a_target_has_the_ending_of_a_package(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"package.zip is no name"):
        build(project(tmp_path), tmp_path / "package.zip")


def test_a_requirements_file_has_to_be_there(tmp_path: Path) -> None:
    source = project(tmp_path, MANIFEST + b"python: {requirements: requirements.txt}\n")
    with pytest.raises(InvalidPackage, match=r"names requirements.txt, which is not in the package"):
        build(source, tmp_path / "package.tgz")
    (source / "client" / "requirements.txt").write_text("numpy\n")
    assert check(build(source, tmp_path / "package.tgz")).requirements_file == "requirements.txt"


def test_archives_as_tar_makes_them(tmp_path: Path) -> None:
    content = tar(
        (member("./client", tarfile.DIRTYPE), b""),
        (member("./client/fedn.yaml"), MANIFEST),
        (member("./client/empty", tarfile.DIRTYPE), b""),
        (member("./README"), b"not code"),
    )
    archive = tmp_path / "package.tar.bz2"
    archive.write_bytes(bz2.compress(content))
    extract(archive, tmp_path / "work")
    assert files(tmp_path / "work") == ["client/fedn.yaml"]
    assert (tmp_path / "work/client/empty").is_dir()


def test_unpacking_replaces_the_code_and_nothing_else(tmp_path: Path) -> None:
    archive, work = pack(tmp_path), tmp_path / "work"
    (work / "client").mkdir(parents=True)
    (work / "client" / "old.py").touch()
    (work / "notes").touch()
    extract(archive, work)
    assert files(work) == ["client/fedn.yaml", "notes"]


@pytest.mark.parametrize(
    ("hostile", "error"),
    [
        (member("/etc/cron.d/x"), "a path that leads out of it"),
        (member("client/../../x"), "a path that leads out of it"),
        (member("client/x", tarfile.SYMTYPE, "/etc/passwd"), "client/x, which is a link or device"),
        (member("client/x", tarfile.LNKTYPE, "client/fedn.yaml"), "client/x, which is a link or device"),
        (member("client/x", tarfile.CHRTYPE), "client/x, which is a link or device"),
        (member("client/x", tarfile.FIFOTYPE), "client/x, which is a link or device"),
        (member("client/fedn.yaml"), "client/fedn.yaml twice"),
        (member("client/./fedn.yaml"), "client/fedn.yaml twice"),
        (member("client/fedn.yaml/x"), "client/fedn.yaml/x twice"),
        (member("client"), "client twice"),
        (member("client/" + "x" * 300), "whose name no file system takes"),
    ],
)
def test_hostile_members_are_refused(tmp_path: Path, hostile: tarfile.TarInfo, error: str) -> None:
    archive = pack(tmp_path, (hostile, b""))
    for read in (check, lambda archive: extract(archive, tmp_path / "work")):
        with pytest.raises(InvalidPackage, match=error):
            read(archive)
    assert files(tmp_path) == ["package.tgz"]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "not a compute package"),
        (b"PK\x03\x04", "not a compute package"),
        (gzip.compress(b"no tar file at all" * 100), "is damaged"),
        (gzip.compress(tar((member("client/fedn.yaml"), MANIFEST)))[:60], "is damaged"),
        (gzip.compress(tar((member("client/fedn.yaml"), MANIFEST)))[:-8] + b"\0" * 8, "is damaged"),
        (bz2.compress(tar((member("client/fedn.yaml"), MANIFEST)))[:60], "is damaged"),
        (gzip.compress(tar((member("client/train.py"), b""))), "has no client/fedn.yaml"),
        (gzip.compress(tar((member("fedn.yaml"), MANIFEST))), "has no client/fedn.yaml, but fedn.yaml"),
        (gzip.compress(tar((member("p/client/fedn.yaml"), MANIFEST))), "but p/client/fedn.yaml"),
        (gzip.compress(tar((member("client/fedn.yaml", tarfile.DIRTYPE), b""))), "has no client/fedn.yaml"),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_what_is_no_package_is_said(tmp_path: Path, content: bytes, error: str) -> None:
    archive = tmp_path / "package.tgz"
    archive.write_bytes(content)
    with pytest.raises(InvalidPackage, match=error):
        check(archive)


def test_limits_hold_for_what_is_really_unpacked(tmp_path: Path) -> None:
    bomb = pack(tmp_path, (member("elsewhere/zeros"), bytes(50_000_000)))
    assert bomb.stat().st_size < 100_000
    with pytest.raises(TooLarge, match=r"more than 1000000 bytes"):
        extract(bomb, tmp_path / "work", limits=Limits(size=1_000_000))
    assert files(tmp_path) == ["package.tgz"]
    many = pack(tmp_path, *((member(f"client/{number}"), b"") for number in range(20)))
    with pytest.raises(TooLarge, match=r"more than 20 files"):
        check(many, limits=Limits(members=20))
    large = tmp_path / "large.tgz"
    large.write_bytes(gzip.compress(tar((member("client/fedn.yaml"), MANIFEST + b"#" * 100_000))))
    with pytest.raises(TooLarge, match=r"client/fedn.yaml is over"):
        check(large)


def test_a_header_that_promises_much_is_no_way_around_a_limit(tmp_path: Path) -> None:
    info = member("././@PaxHeader", tarfile.XHDTYPE)
    info.size = (1 << 33) - 1
    archive = tmp_path / "package.tgz"
    archive.write_bytes(gzip.compress(info.tobuf(tarfile.USTAR_FORMAT) + bytes(5_000_000)))
    with pytest.raises(TooLarge):
        check(archive, limits=Limits(size=1_000_000))


@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=20), st.booleans())
def test_noise_never_gets_past_the_errors_of_the_tree(noise: list[tuple[int, int]], outside: bool) -> None:
    plain = bytearray(tar((member("client/fedn.yaml"), MANIFEST), (member("client/" + "long/" * 40 + "x"), b"x")))
    packed = bytearray(gzip.compress(plain))
    target = packed if outside else plain
    for place, value in noise:
        target[place % len(target)] = value
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, "package.tgz")
        archive.write_bytes(packed if outside else gzip.compress(plain))
        try:
            extract(archive, Path(folder, "work"), limits=Limits(size=1_000_000))
        except FednError:
            assert files(Path(folder)) == ["package.tgz"]
