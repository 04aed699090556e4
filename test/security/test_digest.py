from __future__ import annotations

from pathlib import Path

import pytest

from fedn.security.digest import md5_file, sha256_bytes, sha256_file

# The first of FIPS 180 and of RFC 1321, and the empty input.
VECTORS = [
    (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "900150983cd24fb0d6963f7d28e17f72"),
    (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "d41d8cd98f00b204e9800998ecf8427e"),
]


@pytest.mark.parametrize(("content", "sha256", "md5"), VECTORS)
def test_published_vectors(content: bytes, sha256: str, md5: str, tmp_path: Path) -> None:
    file = tmp_path / "content"
    file.write_bytes(content)
    assert sha256_bytes(content) == sha256_file(file) == sha256
    assert md5_file(file) == md5


@pytest.mark.parametrize("size", [2**20 - 1, 2**20, 2**20 + 1, 3 * 2**20 + 7])
def test_a_file_longer_than_a_block_is_read_to_its_end(size: int, tmp_path: Path) -> None:
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    (tmp_path / "content").write_bytes(content)
    assert sha256_file(tmp_path / "content") == sha256_bytes(memoryview(content))
