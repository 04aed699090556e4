"""Answers as gzip, over real connections."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from flask import Flask, Response

from fedn.reducer import compression
from fedn.security.tokens import Role

GZIP = {"accept-encoding": "gzip"}
LONG = "/api/v1/openapi.json"


@pytest.fixture
def client(shared: Any) -> Iterator[httpx.Client]:
    yield shared.raw(shared.token(Role.OPERATOR))


def raw(client: httpx.Client, path: str, **headers: str) -> tuple[httpx.Response, bytes]:
    """The answer, and its bytes as they came."""
    with client.stream("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()}) as answer:
        return answer, b"".join(answer.iter_raw())


def test_a_long_answer_comes_compressed_to_who_accepts_that(client: httpx.Client) -> None:
    plain, whole = raw(client, LONG, accept_encoding="identity")
    answer, content = raw(client, LONG, accept_encoding="gzip")
    assert "content-encoding" not in plain.headers
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) == len(content) < len(whole) / 2
    assert json.loads(gzip.decompress(content)) == json.loads(whole)
    for one in (plain, answer):
        assert "accept-encoding" in one.headers["vary"].lower()


@pytest.mark.parametrize("accepted", ["gzip;q=0", "br", "identity"])
def test_who_does_not_accept_it_gets_it_plain(client: httpx.Client, accepted: str) -> None:
    answer, content = raw(client, LONG, accept_encoding=accepted)
    assert "content-encoding" not in answer.headers
    assert json.loads(content)


def test_short_answers_and_streams_stay_as_they_are(client: httpx.Client) -> None:
    answer, _ = raw(client, "/api/v1/health", accept_encoding="gzip")
    assert "content-encoding" not in answer.headers
    with client.stream("GET", "/api/v1/events/stream", headers=GZIP) as stream:
        assert "content-encoding" not in stream.headers


def finished(response: Response) -> Response:
    with Flask(__name__).test_request_context(headers={"Accept-Encoding": "gzip"}):
        return compression.compressed(response)


def test_what_is_encoded_or_a_file_is_not_touched() -> None:
    text = "x" * compression.LONG
    assert "Content-Encoding" not in finished(Response(text, mimetype="application/octet-stream")).headers
    encoded = finished(Response(text, mimetype="text/html", headers={"Content-Encoding": "br"}))
    assert encoded.headers["Content-Encoding"] == "br"
    assert encoded.get_data() == text.encode()
    assert "Content-Encoding" not in finished(Response(iter([text]), mimetype="application/json")).headers


def test_a_tag_no_longer_says_that_the_bytes_are_the_same() -> None:
    response = Response("x" * compression.LONG, mimetype="text/html")
    response.set_etag("t")
    assert finished(response).get_etag() == ("t", True)
