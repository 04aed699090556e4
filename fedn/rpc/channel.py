"""Dialling a combiner: channels with our options, over TLS, from asyncio or threads."""

from __future__ import annotations

from functools import lru_cache

import grpc

CHUNK = 1024 * 1024
"""Bytes of a file in one message of a transfer."""

MAX_MESSAGE = 64 * 1024 * 1024
"""Upper bound of any one message in bytes; files go in chunks, so only lists of progress come near it."""

KEEPALIVE_SECONDS = 20.0

Channel = grpc.Channel
AsyncChannel = grpc.aio.Channel
Metadata = tuple[tuple[str, str], ...]

_SIZE = [
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.max_send_message_length", MAX_MESSAGE),
]

CLIENT_OPTIONS = [
    *_SIZE,
    # Pings notice a peer that vanished without a word (a pulled cable, a NAT that forgot us) while a stream is open.
    ("grpc.keepalive_time_ms", int(KEEPALIVE_SECONDS * 1000)),
    ("grpc.keepalive_timeout_ms", 10_000),
    # Reconnecting is decided by `retry.backoff`; gRPC's own back-off only has to stay out of its way.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 10_000),  # which is how long one attempt to connect may take
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.enable_retries", 0),
    # A proxy for the web must not catch calls to a combiner inside the network.
    ("grpc.enable_http_proxy", 0),
]

SERVER_OPTIONS = [
    *_SIZE,
    # What a client sends ahead of our reading waits in memory. Left to itself, gRPC lets that grow to tens of megabytes
    # a client; so much keeps 100 MB/s busy at a round trip of 40 ms.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 4 * CHUNK),
    ("grpc.keepalive_time_ms", int(KEEPALIVE_SECONDS * 1000)),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # Two servers on one port would share its clients silently.
    ("grpc.so_reuseport", 0),
]


def target(host: str, port: int) -> str:
    """`host:port` as gRPC wants it, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@lru_cache(maxsize=64)
def _credentials(ca_pem: bytes | None) -> grpc.ChannelCredentials:
    """One object for each root: channels with the same one to the same target share a connection."""
    return grpc.ssl_channel_credentials(ca_pem)


def dial(host: str, port: int, *, ca_pem: bytes | None) -> grpc.Channel:
    """A channel for threads; `ca_pem` is the only root it trusts; None trusts the system's."""
    return grpc.secure_channel(target(host, port), _credentials(ca_pem), options=CLIENT_OPTIONS)


def dial_async(host: str, port: int, *, ca_pem: bytes | None) -> grpc.aio.Channel:
    """A channel for asyncio; `ca_pem` is the only root it trusts; None trusts the system's."""
    return grpc.aio.secure_channel(target(host, port), _credentials(ca_pem), options=CLIENT_OPTIONS)


def bearer(token: str) -> Metadata:
    """The metadata of every call that carries `token`."""
    return (("authorization", f"Bearer {token}"),)
