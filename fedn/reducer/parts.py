"""How every part of the network is: the reducer, its stores and certificates, the combiners."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from fedn.errors import Unavailable
from fedn.reducer import control
from fedn.reducer.presence import CombinerView
from fedn.reducer.services import Services
from fedn.security.tls import expiry
from fedn.stores.documents import Sample

Health = Literal["ok", "warn", "bad"]

STATE_STORE = "state store"
ARTIFACT_STORE = "artifact store"

NEARLY_FULL = 0.9
"""Share of its places from which on a combiner counts as nearly full."""

_RENEWAL_DUE = 1 / 3
"""Share of a certificate's life that is left when it is renewed."""

_AUTHORITY_NOTICE = 90 * 86_400.0
"""Seconds before its end from which on the authority's certificate needs attention."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of the network."""

    kind: Literal["reducer", "store", "certificate", "combiner"]
    name: str
    health: Health
    about: str
    """How it is, in words."""
    ends_at: float | None = None
    """When a certificate ends."""
    processor: float | None = None
    """Share of one core."""
    memory_bytes: int | None = None


def parts(services: Services, *, now: float) -> Iterator[Part]:
    """All parts, the reducer first. The stores are asked, the others known.

    Args:
        now: Seconds since the epoch.
    """
    sample = _sample(services)
    load = {"processor": sample.processor, "memory_bytes": sample.memory_bytes} if sample else {}
    yield Part(kind="reducer", name="reducer", health="ok", about="serves", **load)  # type: ignore[arg-type]
    settings = services.settings
    yield _store(STATE_STORE, settings.statestore.TYPE, lambda: control.read(services.state))
    yield _store(ARTIFACT_STORE, settings.storage.TYPE, lambda: services.artifacts.size("fedn-models", "readiness"))
    yield from _certificates(services, now=now)
    for combiner in services.network.combiners():
        yield _combiner(combiner)


def nearly_full(combiner: CombinerView) -> bool:
    """Whether a combiner has few places left."""
    return combiner.clients >= NEARLY_FULL * combiner.max_clients


def away(combiner: CombinerView) -> str:
    """Why a combiner is not connected, in words that name it."""
    named = f"combiner {combiner.name} ("
    if combiner.error.startswith(named):
        return combiner.error
    return f"{named}{combiner.host}:{combiner.port}) is out of reach: {combiner.error}"


def _store(name: str, kind: str, look: Callable[[], object]) -> Part:
    try:
        look()
    except Unavailable as error:
        return Part(kind="store", name=name, health="bad", about=f"{kind}, out of reach: {error.message}")
    return Part(kind="store", name=name, health="ok", about=f"{kind}, answers")


def _certificates(services: Services, *, now: float) -> Iterator[Part]:
    settings = services.settings
    ends = expiry((settings.data_dir / "reducer" / "server.pem").read_bytes())
    # It is renewed when a third of its life is left: with clearly less than that, renewing must have failed.
    late = ends - now < _RENEWAL_DUE / 2 * settings.certificate_seconds
    about = "was not renewed in time" if late else "is renewed by itself"
    yield Part(kind="certificate", name="certificate", health=_health(now, ends, late=late), about=about, ends_at=ends)
    ends = expiry(services.authority.certificate_pem)
    late = ends - now < _AUTHORITY_NOTICE
    about = "the network ends with it" if late else "what all members trust"
    yield Part(
        kind="certificate",
        name="certificate authority",
        health=_health(now, ends, late=late),
        about=about,
        ends_at=ends,
    )


def _health(now: float, ends: float, *, late: bool) -> Health:
    return "bad" if now >= ends else "warn" if late else "ok"


def _combiner(combiner: CombinerView) -> Part:
    clients = f"{combiner.clients} of {combiner.max_clients} clients"
    health: Health = "ok"
    about = f"connected, {clients}"
    if not combiner.connected:
        health, about = "bad", away(combiner)
    elif combiner.draining:
        health, about = "warn", f"takes no clients and no rounds, {clients}"
    elif nearly_full(combiner):
        health, about = "warn", f"nearly full, {clients}"
    return Part(
        kind="combiner",
        name=combiner.name,
        health=health,
        about=about,
        processor=combiner.processor if combiner.connected else None,
        memory_bytes=combiner.memory_bytes if combiner.connected else None,
    )


def _sample(services: Services) -> Sample | None:
    with contextlib.suppress(Unavailable):  # the part that is the store says so
        for _, sample in services.state.find(Sample, where={"role": "reducer"}, limit=1):
            return sample
    return None
