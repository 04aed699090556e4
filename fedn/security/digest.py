"""Digests of files and bytes, in hex. SHA-256 is what all rely on; MD5 is there for the clients of 2021."""

from __future__ import annotations

import hashlib
from pathlib import Path

_BLOCK = 1 << 20


def sha256_bytes(data: bytes | bytearray | memoryview) -> str:
    """SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's content, read in blocks."""
    return _file(path, "sha256")


def md5_file(path: Path) -> str:
    """MD5 of a file's content: a checksum against accidents, worth nothing against an attacker."""
    return _file(path, "md5")


def _file(path: Path, algorithm: str) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=algorithm != "md5")
    block = memoryview(bytearray(_BLOCK))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(block):
            digest.update(block[:count])
    return digest.hexdigest()
