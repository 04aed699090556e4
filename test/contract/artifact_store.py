"""What every artifact store keeps to. An implementation's test subclasses the suite and gives it an empty `store`."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest
import requests
from waiting import DEADLINE

from fedn.errors import Corrupt, InvalidInput, NotFound
from fedn.stores.protocols import ArtifactStore, Stored

MODELS, CONTEXT = "fedn-models", "fedn-context"
CONTENTS = [b"", b"x", random.Random(1).randbytes(3 * (1 << 20) + 17)]
HOSTILE_NAMES = [
    "",
    ".",
    "..",
    "../x",
    "a/b",
    "/etc/passwd",
    "a\\b",
    "a\0b",
    ".hidden",
    "a\n",
    "-x",
    "ä",
    "\ud800",
    "x" * 201,
]


def stored(content: bytes) -> Stored:
    return Stored(len(content), hashlib.sha256(content).hexdigest())


class Spoiled(BytesIO):
    """A stream that gives some of its bytes and then fails."""

    def __init__(self, content: bytes, error: Exception) -> None:
        super().__init__(content)
        self._error = error

    def read(self, size: int | None = -1, /) -> bytes:
        if piece := super().read(size):
            return piece
        raise self._error


class Watched(BytesIO):
    """A stream that looks at something each time it is read."""

    def __init__(self, content: bytes, look: Callable[[], object]) -> None:
        super().__init__(content)
        self._look = look
        self.seen: list[object] = []

    def read(self, size: int | None = -1, /) -> bytes:
        self.seen.append(self._look())
        return super().read(size)


class ArtifactStoreContract:
    @pytest.mark.parametrize("content", CONTENTS, ids=len)
    def test_what_is_put_comes_back(self, store: ArtifactStore, content: bytes, tmp_path: Path) -> None:
        file = tmp_path / "source"
        file.write_bytes(content)
        for source in (content, file, BytesIO(content)):
            assert store.put(MODELS, "m", source) == stored(content)
            assert store.read(MODELS, "m") == content
            with store.open(MODELS, "m") as stream:
                assert stream.read() == content
            assert store.size(MODELS, "m") == len(content)
            store.delete(MODELS, "m")

    def test_a_local_path_holds_the_content(self, store: ArtifactStore) -> None:
        store.put(MODELS, "m", b"content")
        path = store.path(MODELS, "m")
        assert path is None or path.read_bytes() == b"content"

    def test_read_gives_a_range(self, store: ArtifactStore) -> None:
        store.put(MODELS, "m", b"0123456789")
        assert store.read(MODELS, "m", offset=3, length=4) == b"3456"
        assert store.read(MODELS, "m", offset=8, length=4) == b"89"
        assert store.read(MODELS, "m", offset=8) == b"89"
        assert store.read(MODELS, "m", offset=10, length=1) == b""
        assert store.read(MODELS, "m", offset=11) == b""
        assert store.read(MODELS, "m", length=0) == b""

    @pytest.mark.parametrize("bounds", [{"offset": -1}, {"length": -1}])
    def test_a_range_is_not_negative(self, store: ArtifactStore, bounds: dict[str, int]) -> None:
        store.put(MODELS, "m", b"0123456789")
        with pytest.raises(InvalidInput):
            store.read(MODELS, "m", **bounds)

    def test_what_is_absent(self, store: ArtifactStore) -> None:
        for look in (store.open, store.read):
            with pytest.raises(NotFound, match="no m in fedn-models"):
                look(MODELS, "m")
        assert store.size(MODELS, "m") is None
        assert store.list(MODELS) == []
        store.delete(MODELS, "m")

    def test_buckets_are_apart(self, store: ArtifactStore) -> None:
        store.put(MODELS, "same", b"model")
        store.put(CONTEXT, "same", b"package")
        store.put(MODELS, "b", b"")
        store.put(MODELS, "B.npz", b"")
        assert store.list(MODELS) == ["B.npz", "b", "same"]
        store.delete(MODELS, "same")
        assert store.list(MODELS) == ["B.npz", "b"]
        assert store.read(CONTEXT, "same") == b"package"

    def test_put_replaces(self, store: ArtifactStore) -> None:
        store.put(MODELS, "m", b"a long first content")
        store.put(MODELS, "m", b"second")
        assert store.read(MODELS, "m") == b"second"
        assert store.list(MODELS) == ["m"]

    def test_the_right_digest_passes(self, store: ArtifactStore) -> None:
        store.put(MODELS, "m", b"content", sha256=stored(b"content").sha256)
        assert store.read(MODELS, "m") == b"content"

    def test_a_wrong_digest_changes_nothing(self, store: ArtifactStore) -> None:
        store.put(MODELS, "old", b"old")
        for key in ("old", "new"):
            with pytest.raises(Corrupt, match=stored(b"sent").sha256):
                store.put(MODELS, key, b"content", sha256=stored(b"sent").sha256)
        assert store.list(MODELS) == ["old"]
        assert store.read(MODELS, "old") == b"old"

    @pytest.mark.parametrize("error", [RuntimeError("gone"), OSError("gone")])
    def test_a_failing_source_changes_nothing(self, store: ArtifactStore, error: Exception) -> None:
        store.put(MODELS, "old", b"old")
        for key in ("old", "new"):
            with pytest.raises(Exception, match="gone"):
                store.put(MODELS, key, Spoiled(CONTENTS[-1], error))
        assert store.list(MODELS) == ["old"]
        assert store.read(MODELS, "old") == b"old"

    def test_nothing_is_visible_before_the_end(self, store: ArtifactStore) -> None:
        source = Watched(CONTENTS[-1], lambda: (store.size(MODELS, "m"), store.list(MODELS)))
        store.put(MODELS, "m", source)
        assert source.seen
        assert set(map(str, source.seen)) == {"(None, [])"}
        assert store.list(MODELS) == ["m"]

    @pytest.mark.parametrize("name", HOSTILE_NAMES)
    def test_a_hostile_name_is_refused(self, store: ArtifactStore, name: str) -> None:
        for bucket, key in ((MODELS, name), (name, "m")):
            with pytest.raises(InvalidInput, match="plain name"):
                store.put(bucket, key, b"")
            for look in (store.open, store.path, store.read, store.size, store.delete):
                with pytest.raises(InvalidInput):
                    look(bucket, key)
            with pytest.raises(InvalidInput):
                store.presign(bucket, key, seconds=1)
        with pytest.raises(InvalidInput):
            store.list(name)

    def test_eight_threads_lose_nothing(self, store: ArtifactStore) -> None:
        contents = [bytes([number]) * 100_000 for number in range(8)]

        def put(number: int) -> None:
            for part in range(5):
                store.put(MODELS, f"{number}-{part}", contents[number])
                store.put(MODELS, "shared", contents[number])
                assert store.read(MODELS, "shared") in contents

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(put, range(8)))
        assert len(store.list(MODELS)) == 8 * 5 + 1
        assert all(
            store.read(MODELS, f"{number}-{part}") == contents[number] for number in range(8) for part in range(5)
        )

    def test_a_check_says_what_the_store_is_and_leaves_nothing(self, store: ArtifactStore) -> None:
        store.put(MODELS, "m", b"content")
        assert len(store.check()) > 10
        assert (store.list(MODELS), store.list(CONTEXT)) == (["m"], [])

    def test_a_url_serves_just_the_file(self, store: ArtifactStore) -> None:
        store.put(MODELS, "m", CONTENTS[-1])
        found = store.presign(MODELS, "m", seconds=60)
        assert found is None or requests.get(found.url, timeout=DEADLINE).content == CONTENTS[-1]
