"""The reducer from Python: what an operator or a notebook asks of it, typed.

    from fedn.api import Reducer

    with Reducer.connect() as reducer:                      # the one of this user on this machine, or join="fedn://…"
        session = reducer.start_session(rounds=10)
        for kind, data in reducer.watch_session(session.id):
            print(kind, data)
        reducer.download_model(reducer.session(session.id).model_id, "model.npz")

Every method raises an error of `fedn.errors` at once, with what the reducer said or why it can't be reached.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from fedn.config import Member
from fedn.core import weights
from fedn.errors import Corrupt
from fedn.package import archive
from fedn.rpc.discovery import find_reducer
from fedn.rpc.http import Http, connect
from fedn.security.digest import sha256_file
from fedn.stores.documents import Event, Model, Package, Round, Session, Token, Validation

Json = dict[str, Any]

_PAGE = 1000
"""Most items that the reducer gives at once."""


class Reducer:
    """A session with a reducer; use it in a `with` block or `close` it. What lists, lists the newest first.

    Args:
        http: The connection, with a token that may do what is asked.
    """

    def __init__(self, http: Http) -> None:
        self._http = http

    @classmethod
    def connect(
        cls,
        join: str = "",
        *,
        data_dir: str | Path = "fedn-data",
        host: str = "",
        port: int = 8090,
        token: str = "",
    ) -> Reducer:
        """Reach a reducer, or say at once why not.

        Args:
            join: Join string of an operator or viewer; by default that of the reducer of this user on this machine.
            data_dir: Where that reducer keeps its data.
            host: The reducer by address, with `port` and `token`, in place of the join string.
        """
        where = Member(data_dir=Path(data_dir), join=join, discover_host=host, discover_port=port, token=token)
        return cls(connect(find_reducer("operator", where)))

    @property
    def url(self) -> str:
        """`https://host:port`, where its pages are, too."""
        return self._http.base_url

    def health(self) -> Json:
        """What the reducer says of itself."""
        return self._get("health")

    def ready(self) -> Json:
        """As `health`, once it takes requests; NotReady or Unavailable before."""
        return self._get("ready")

    def network(self) -> Json:
        """The reducer, its combiners and clients, and the edges between them."""
        return self._get("network")

    def combiners(self) -> list[Json]:
        """All combiners that ever announced themselves, and how they are."""
        return self._items("combiners")

    def clients(self) -> list[Json]:
        """The connected clients."""
        return self._items("clients")

    def packages(self) -> list[Package]:
        """The compute packages."""
        return [Package.from_body(body) for body in self._items("packages")]

    def upload_package(self, path: str | Path, *, name: str = "", helper: str = "") -> Package:
        """Make an archive the network's compute package; the same bytes again are fine. Looked at before it is sent.

        Raises:
            InvalidPackage: Not a compute package.
            Conflict: A federation with a seed model has another one.
        """
        path = Path(path)
        archive.check(path)
        query = {"name": name or path.name, **({"helper": helper} if helper else {})}
        return Package.from_body(self._http.upload(_url("packages"), path, **query))

    def models(self, limit: int | None = None) -> list[Model]:
        """The newest `limit` models of the trail, or all; without their `updates`, which `model` has."""
        return [Model.from_body(body) for body in self._items("models", limit=limit)]

    def model(self, model_id: str) -> Model:
        """A model's record; NotFound."""
        return Model.from_body(self._get("models", model_id))

    def seed_model(self, path: str | Path) -> Model:
        """Commit a file as a seed model; InvalidModel when it doesn't load or is not finite.

        It is looked at before it is sent, so that the error can name it.
        """
        weights.read(Path(path))
        return Model.from_body(self._http.upload(_url("models"), Path(path)))

    def download_model(self, model_id: str, target: str | Path) -> Path:
        """Write a model's file to `target`, whole and checked or not at all; Corrupt when it arrives changed.

        Args:
            target: The file, or a folder, in which it is named after the model and its format: `model-ID.npz`.

        Returns:
            The file.
        """
        target = Path(target)
        expected = self.model(model_id).sha256
        name = f"model-{model_id}" if target.is_dir() else target.name
        partial = (target if target.is_dir() else target.parent) / f".{name}.part"
        self._http.download(_url("models", model_id, "data"), partial)
        if sha256_file(partial) != expected:
            partial.unlink()
            raise Corrupt(f"model {model_id} arrived changed", hint="try again")
        if target.is_dir():
            target /= f"{name}{weights.format_of(partial).suffix}"
        return partial.replace(target)

    def sessions(self, limit: int | None = None) -> list[Session]:
        """Training sessions."""
        return [Session.from_body(body) for body in self._items("sessions", limit=limit)]

    def session(self, session_id: str) -> Session:
        """A session and how far it is; NotFound."""
        return Session.from_body(self._get("sessions", session_id))

    def start_session(self, **options: Any) -> Session:
        """Start training. The options are those of `fedn.stores.documents.Session`, `rounds` to `parameters`.

        Raises:
            NotReady: No package, no seed model, or too few clients.
            SessionRunning: One at a time.
        """
        given = {name: value for name, value in options.items() if value is not None}
        return Session.from_body(self._http.post(_url("sessions"), given))

    def stop_session(self, session_id: str) -> Session:
        """Have a session end; one that has ended stays as it is."""
        return Session.from_body(self._http.post(_url("sessions", session_id, "stop")))

    def watch_session(self, session_id: str) -> Iterator[tuple[str, Json]]:
        """What happens in a session, as it happens, until it has ended: (kind, data).

        The kinds are those of `fedn.reducer.feed.Notice`; the first is `session`, as the session stands now.
        """
        return _server_sent(self._http.lines(_url("sessions", session_id, "watch")))

    def rounds(self, session_id: str | None = None, limit: int | None = None) -> list[Round]:
        """Rounds, of one session or of all; without their `clients`."""
        return [Round.from_body(body) for body in self._items("rounds", limit=limit, session_id=session_id)]

    def round(self, round_id: str) -> Round:
        """A round with what became of each of its clients; NotFound."""
        return Round.from_body(self._get("rounds", round_id))

    def validations(
        self, *, model_id: str | None = None, session_id: str | None = None, limit: int | None = None
    ) -> list[Validation]:
        """What the clients found of a model, or in a session."""
        found = self._items("validations", limit=limit, model_id=model_id, session_id=session_id)
        return [Validation.from_body(body) for body in found]

    def events(self, limit: int | None = 100, *, level: str | None = None) -> list[Event]:
        """What happened in the network."""
        return [Event.from_body(body) for body in self._items("events", limit=limit, level=level)]

    def tokens(self) -> list[Token]:
        """The tokens that were issued, without the tokens themselves."""
        return [Token.from_body(body) for body in self._items("tokens")]

    def create_token(self, role: str, *, days: float | None = None, name: str = "") -> Json:
        """A new token: `{id, role, token, join, expires_at}`. It is shown this once.

        Args:
            days: How long it is good for; by default as long as the reducer's settings say for the role.
            name: The one name that it is good for; empty leaves it to the bearer.
        """
        answer: Json = self._http.post(_url("tokens"), {"role": role, "days": days, "name": name})
        return answer

    def revoke_token(self, token_id: str) -> Token:
        """Make a token, and all derived from it, no good from now on; NotFound."""
        return Token.from_body(self._http.post(_url("tokens", token_id, "revoke")))

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Reducer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _get(self, *parts: str) -> Json:
        answer: Json = self._http.get(_url(*parts))
        return answer

    def _items(self, path: str, *, limit: int | None = None, **filters: str | None) -> list[Json]:
        """The items of a list, page after page."""
        items: list[Json] = []
        before = None
        while limit is None or len(items) < limit:
            most = _PAGE if limit is None else min(_PAGE, limit - len(items))
            page = self._http.get(_url(path), limit=most, before=before, **filters)
            items += page["items"]
            before = page["next"]
            if before is None:
                break
        return items


def _url(*parts: str) -> str:
    return "/api/v1/" + "/".join(quote(part, safe="") for part in parts)


def _server_sent(lines: Iterable[str]) -> Iterator[tuple[str, Json]]:
    """The events of a `text/event-stream`, their data as JSON; comments are left out."""
    kind, data = "", ""
    for line in lines:
        name, _, value = line.partition(":")
        if name == "event":
            kind = value.strip()
        elif name == "data":
            data += value.strip()
        elif not line and data:
            yield kind, json.loads(data)
            kind, data = "", ""
