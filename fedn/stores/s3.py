"""The artifact store on an S3 service, such as MinIO.

The buckets are those of the settings; an object is named by the network and the key, so that networks may share them.
"""

from __future__ import annotations

import math
import secrets
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import partial
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import BinaryIO, cast

from minio.error import S3Error

from fedn.config import S3Settings
from fedn.core.model import Presigned
from fedn.errors import ConfigError, InvalidInput, NotFound, Unavailable
from fedn.stores import s3_client
from fedn.stores.files import opened
from fedn.stores.protocols import MADE_LATER, Stored, check_key
from fedn.stores.s3_streams import PIECE, Content, Source

PART = 8 << 20
"""Bytes that a file is uploaded by."""

MOST_PARTS = 9_999
PARALLEL = 3
"""Parts of a file on their way at a time. With those being read and copied, an upload takes eight of them in memory."""

LONGEST_URL = 7 * 86_400.0
"""Seconds that the protocol allows a URL."""


class S3ArtifactStore:
    """An `ArtifactStore` on an S3 service. Opening makes the buckets that are missing.

    What a killed process left of an upload in parts is nowhere to be seen, but takes up space until the service drops
    it; a lifecycle rule of the bucket says when.

    Args:
        make: Whether to make the buckets that are missing.

    Raises:
        ConfigError: The service refuses the keys, or a setting can't be met.
        Forbidden: The access key lacks a right.
        NotFound: A bucket is missing, and none is to be made.
        Unavailable: The service can't be reached.
    """

    def __init__(self, settings: S3Settings, *, network_id: str, make: bool = True) -> None:
        if settings.bucket == settings.context_bucket:
            raise ConfigError("storage_bucket and context_bucket are the same", hint="give them different names")
        self._settings = settings
        self._where = s3_client.address(settings)
        self._buckets = {"fedn-models": settings.bucket, "fedn-context": settings.context_bucket}
        self._prefix = f"{network_id}/"
        self._sse = s3_client.encryption(settings)
        self._ca_pem = s3_client.ca_pem(settings)
        self._client, self._pool = s3_client.connect(settings)
        missing = [name for name in self._buckets.values() if not self._has_bucket(name)]
        if missing and not make:
            names = f"bucket {missing[0]}" if len(missing) == 1 else f"buckets {' and '.join(missing)}"
            raise NotFound(f"the S3 service at {self._where} has no {names} yet", hint=f"{MADE_LATER}, if its key may")
        for name in missing:
            with self._mapped(f"make bucket {name}", "s3:CreateBucket"):
                self._client.make_bucket(name, settings.region or None)

    def put(self, bucket: str, key: str, source: Path | bytes | BinaryIO, *, sha256: str | None = None) -> Stored:
        place, name = self._object(bucket, key)
        size = source.stat().st_size if isinstance(source, Path) and source.exists() else 0
        # The SDK leaves its threads behind when its source raises, so what may well do that gets none.
        sure = sha256 is None and isinstance(source, Path)
        with self._mapped(f"store {bucket}/{key}", "s3:PutObject"), opened(source) as stream:
            content = Source(stream, sha256=sha256, name=f"{bucket}/{key}")
            result = self._client.put_object(
                place,
                name,
                cast(BinaryIO, content),  # a raw stream will do: it gives all that it is asked for
                length=-1,
                part_size=max(PART, math.ceil(size / MOST_PARTS)),
                num_parallel_uploads=PARALLEL if sure else 1,
                sse=self._sse,
            )
        if not result.etag:
            raise Unavailable(f"can't store {bucket}/{key}: the S3 service at {self._where} did not confirm it")
        return content.stored

    def open(self, bucket: str, key: str) -> BinaryIO:
        return BufferedReader(self._get(bucket, key), PIECE)

    def path(self, bucket: str, key: str) -> None:
        check_key(bucket, key)  # files are elsewhere

    def read(self, bucket: str, key: str, *, offset: int = 0, length: int | None = None) -> bytes:
        if offset < 0 or (length is not None and length < 0):
            raise InvalidInput(f"can't read {length} bytes from {offset}")
        if offset or length is not None:  # services differ in what they make of a range that goes beyond the end
            size = self.size(bucket, key)
            if size is None:
                raise NotFound(f"no {key} in {bucket}")
            length = min(size - offset, size if length is None else length)
            if length <= 0:
                return b""
        with self._get(bucket, key, offset=offset, length=length or 0) as content:
            return content.readall()

    def size(self, bucket: str, key: str) -> int | None:
        place, name = self._object(bucket, key)
        try:
            with self._mapped(f"look for {bucket}/{key}", "s3:GetObject"):
                return self._client.stat_object(place, name).size
        except NotFound:
            return None

    def list(self, bucket: str) -> list[str]:
        place, _ = self._object(bucket, "any")
        with self._mapped(f"list {bucket}", "s3:ListBucket"):
            found = self._client.list_objects(place, prefix=self._prefix, recursive=True)
            keys = [(one.object_name or "").removeprefix(self._prefix) for one in found]
        return sorted(key for key in keys if not key.startswith("."))

    def delete(self, bucket: str, key: str) -> None:
        place, name = self._object(bucket, key)
        with self._mapped(f"delete {bucket}/{key}", "s3:DeleteObject"):
            self._client.remove_object(place, name)

    def presign(self, bucket: str, key: str, *, seconds: float) -> Presigned | None:
        place, name = self._object(bucket, key)
        if not self._settings.direct:
            return None
        lifetime = timedelta(seconds=math.ceil(min(max(seconds, 1.0), LONGEST_URL)))
        with self._mapped(f"make a URL of {bucket}/{key}", "s3:GetBucketLocation"):
            return Presigned(self._client.presigned_get_object(place, name, expires=lifetime), self._ca_pem)

    def check(self) -> str:
        name = f"{self._prefix}.check-{secrets.token_hex(8)}"  # no key begins with a dot
        for place in self._buckets.values():
            with self._mapped(f"write to {place}", "s3:PutObject"):
                server = self._client.put_object(place, name, BytesIO(b"check"), 5, sse=self._sse).http_headers
            with self._mapped(f"read from {place}", "s3:GetObject"):
                found = self._client.get_object(place, name)
                content = found.read()
                found.release_conn()
            with self._mapped(f"delete in {place}", "s3:DeleteObject"):
                self._client.remove_object(place, name)
            with self._mapped(f"list {place}", "s3:ListBucket"):
                next(self._client.list_objects(place, prefix=self._prefix), None)
            if content != b"check":
                raise Unavailable(f"the S3 service at {self._where} doesn't give back what was written to {place}")
        how = "over TLS" if self._settings.secure else "without TLS"
        kept = "" if self._sse is None else f", encrypted with {self._settings.encryption}"
        version = server.get("server", "of no name")
        return f"S3 service {version} at {self._where} {how}, buckets {' and '.join(self._buckets.values())}{kept}"

    def close(self) -> None:
        s3_client.close(self._pool)

    def _get(self, bucket: str, key: str, *, offset: int = 0, length: int = 0) -> Content:
        place, name = self._object(bucket, key)
        mapped = partial(self._mapped, f"read {bucket}/{key}", "s3:GetObject")
        with mapped():
            try:
                response = self._client.get_object(place, name, offset=offset, length=length)
            except S3Error as error:
                if error.code == "NoSuchKey":
                    raise NotFound(f"no {key} in {bucket}") from None
                raise
        return Content(response, mapped=mapped)

    def _object(self, bucket: str, key: str) -> tuple[str, str]:
        """Bucket and name of the object."""
        check_key(bucket, key)
        if bucket not in self._buckets:
            raise InvalidInput(f"there is no bucket {bucket!r}", hint=f"there are {' and '.join(self._buckets)}")
        return self._buckets[bucket], self._prefix + key

    def _mapped(self, what: str, right: str) -> AbstractContextManager[None]:
        return s3_client.mapped_errors(what, where=self._where, right=right)

    def _has_bucket(self, name: str) -> bool:
        try:
            # A listing, since an answer to HEAD doesn't say what is wrong.
            with self._mapped(f"list bucket {name}", "s3:ListBucket and, without storage_region, s3:GetBucketLocation"):
                try:
                    next(self._client.list_objects(name, prefix=self._prefix), None)
                except S3Error as error:
                    if error.code != "NoSuchBucket":
                        raise
                    return False
        except ValueError as error:
            raise ConfigError(f"storage_bucket or context_bucket: {error}") from error
        return True
