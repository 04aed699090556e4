import io
import random
import struct
import zipfile

import numpy as np
import pytest

from fedn.core import npz
from fedn.errors import InvalidModel, TooLarge

CONTENTS = {"a.npy": b"first", "ü/β.npy": b"second" * 99, "empty.npy": b""}
EVERYTHING = 1 << 40


def archive(contents: dict[str, bytes] = CONTENTS) -> bytes:
    return b"".join(npz.chunks((name, [content]) for name, content in contents.items()))


def zipped(contents: dict[str, bytes] = CONTENTS, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as target:
        for name, content in contents.items():
            target.writestr(name, content)
    return file.getvalue()


def members(data: bytes, limit: int = EVERYTHING) -> dict[str, bytes]:
    return {name: bytes(content) for name, content in npz.members(memoryview(data), limit=limit)}


@pytest.fixture
def small_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes from 100 bytes on are written as those above 4 GiB are."""
    monkeypatch.setattr(npz, "ZIP64_FROM", 100)


def test_what_is_written_is_read_in_order_here_and_by_zipfile() -> None:
    assert list(members(archive()).items()) == list(CONTENTS.items())
    with zipfile.ZipFile(io.BytesIO(archive())) as file:
        assert file.testzip() is None
        assert {name: file.read(name) for name in file.namelist()} == CONTENTS


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_reads_what_zipfile_writes(compression: int) -> None:
    assert members(zipped(compression=compression)) == CONTENTS
    assert members(zipped({})) == {}


def test_contents_are_aligned() -> None:
    data = archive()
    assert all(data.index(content) % npz.ALIGNMENT == 0 for content in (b"first", b"second" * 99))


@pytest.mark.usefixtures("small_words")
def test_zip64_is_read_here_and_by_zipfile() -> None:
    assert members(archive()) == CONTENTS
    with zipfile.ZipFile(io.BytesIO(archive())) as file:
        assert {name: file.read(name) for name in file.namelist()} == CONTENTS


def test_zip64_of_zipfile_is_read() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as target, target.open("a.npy", "w", force_zip64=True) as member:
        member.write(b"content")
    assert members(file.getvalue()) == {"a.npy": b"content"}


def zipped_as_if_large(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """What zipfile writes from 2 GiB on: a ZIP64 directory, though its values fit into the other one, too."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 100)
    data = zipped({"a.npy": b"x" * 500, "b.npy": b"content"}, zipfile.ZIP_STORED)
    assert b"PK\6\7" in data
    assert data[-6:-2] != b"\xff" * 4
    return data


def test_zip64_of_zipfile_is_read_where_it_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert members(zipped_as_if_large(monkeypatch)) == {"a.npy": b"x" * 500, "b.npy": b"content"}


@pytest.mark.parametrize("field", [-12, -10, -6])
def test_two_directories_that_differ_are_found(monkeypatch: pytest.MonkeyPatch, field: int) -> None:
    data = bytearray(zipped_as_if_large(monkeypatch))
    data[field] += 1
    with pytest.raises(InvalidModel, match="two directories differ"):
        members(bytes(data))


def test_more_members_than_16_bits_count() -> None:
    many = {f"{index}.npy": b"" for index in range(70_000)}
    assert members(archive(many)) == many
    with zipfile.ZipFile(io.BytesIO(archive(many))) as file:
        assert len(file.namelist()) == 70_000


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: data[100:],
        lambda data: data + b"\n",
        lambda data: b"#!" + data,
        lambda data: data[:-2] + b"\1\0",
        lambda data: data.replace(b"PK\3\4", b"PK\3\5"),
        lambda data: data.replace(b"PK\1\2", b"PK\1\3"),
    ],
)
@pytest.mark.parametrize("wide", [False, True])
def test_damage_is_found(monkeypatch: pytest.MonkeyPatch, spoil, wide: bool) -> None:  # type: ignore[no-untyped-def]
    if wide:
        monkeypatch.setattr(npz, "ZIP64_FROM", 0)
    with pytest.raises(InvalidModel):
        members(spoil(archive()))


@pytest.mark.usefixtures("small_words")
def test_a_missing_zip64_directory_is_found() -> None:
    with pytest.raises(InvalidModel, match="ZIP64"):
        members(archive().replace(b"PK\6\7", b"PK\6\5"))


def test_a_missing_zip64_field_is_found() -> None:
    entry = archive({"a.npy": b"x" * 50}).rindex(b"PK\1\2")
    data = bytearray(archive({"a.npy": b"x" * 50}))
    data[entry + 20 : entry + 28] = b"\xff" * 8
    with pytest.raises(InvalidModel, match="lies outside"):
        members(bytes(data))


@pytest.mark.usefixtures("small_words")
def test_the_zip64_field_is_found_behind_others() -> None:
    data = bytearray(archive({"a.npy": b"x" * 500}))
    entry, locator = data.index(b"PK\1\2"), data.index(b"PK\6\7")
    end64 = data.index(b"PK\6\6")
    for offset, form in ((entry + 30, "<H"), (end64 + 40, "<Q"), (locator + 8, "<Q")):
        struct.pack_into(form, data, offset, struct.unpack_from(form, data, offset)[0] + 4)
    extra = entry + 46 + len("a.npy")
    data[extra:extra] = struct.pack("<2H", 0x1234, 0)
    assert members(bytes(data)) == {"a.npy": b"x" * 500}


@pytest.mark.parametrize("offset", [1 << 63, (1 << 64) - 1])
def test_an_offset_beyond_all_files_is_found(small_words: None, offset: int) -> None:
    data = bytearray(archive({"a.npy": bytes(200)}))
    entry = data.index(b"PK\1\2")
    place = entry + 46 + len("a.npy") + 4 + 2 * 8  # behind the name, the head of the ZIP64 field and the two sizes
    assert struct.unpack_from("<Q", data, place) == (0,)
    struct.pack_into("<Q", data, place, offset)
    with pytest.raises(InvalidModel, match="damaged"):
        members(bytes(data))


def test_a_name_is_no_longer_than_an_archive_takes() -> None:
    longest = {"n" * npz.LONGEST_NAME: b"content"}
    assert members(archive(longest)) == longest
    with pytest.raises(InvalidModel, match="longer than an archive takes"):
        archive({"n" * (npz.LONGEST_NAME + 1): b"content"})


def test_two_sizes_of_a_stored_member_are_found() -> None:
    data = bytearray(archive({"a.npy": b"x" * 50}))
    entry = data.rindex(b"PK\1\2")
    data[entry + 24] += 1
    with pytest.raises(InvalidModel, match="two sizes"):
        members(bytes(data))


def test_a_name_twice_is_found() -> None:
    data = b"".join(npz.chunks([("a.npy", [b"1"]), ("a.npy", [b"2"])]))
    with pytest.raises(InvalidModel, match=r"two members named 'a\.npy'"):
        members(data)


@pytest.mark.parametrize(("offset", "value"), [(8, 1), (10, 12)])
def test_encryption_and_other_compression_are_refused(offset: int, value: int) -> None:
    data = bytearray(zipped())
    struct.pack_into("<H", data, data.index(b"PK\1\2") + offset, value)
    with pytest.raises(InvalidModel, match="encrypted, damaged or of an unknown compression"):
        members(bytes(data))


def test_inflating_stops_at_the_limit() -> None:
    data = zipped({"a.npy": bytes(10_000), "b.npy": bytes(10_000)})
    assert len(data) < 1000
    assert members(data, limit=20_000)
    with pytest.raises(TooLarge, match=r"b\.npy"):
        members(data, limit=19_999)


def test_a_lie_about_the_inflated_size_is_found() -> None:
    data = bytearray(zipped({"a.npy": bytes(10_000)}))
    struct.pack_into("<L", data, data.index(b"PK\1\2") + 24, 10)
    with pytest.raises(InvalidModel, match="checksum"):
        members(bytes(data), limit=100)


def test_random_damage_never_raises_anything_else() -> None:
    generator = random.Random(1)
    for original in (archive(), zipped()):
        for _ in range(3000):
            data = bytearray(original)
            for _ in range(generator.choice((1, 2, 8))):
                data[generator.randrange(len(data))] = generator.choice((0, 1, 255, generator.randrange(256)))
            try:
                members(bytes(data), limit=1 << 20)
            except (InvalidModel, TooLarge):
                continue


def test_an_array_is_written_without_a_copy() -> None:
    array = np.arange(10.0)
    view = array.view(np.uint8).data
    assert any(chunk is view for chunk in npz.chunks([("a.npy", [view])]))
