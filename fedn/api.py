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
from fedn.stores.documents import Event, Model, Package, Round, Sample, Session, Tag, Token, Validation

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

    def attention(self) -> Json:
        """How every part of the network is, and what needs attention, with what to do about it."""
        return self._get("attention")

    def combiners(self) -> list[Json]:
        """All combiners that ever announced themselves, and how they are."""
        return self._items("combiners")

    def clients(self) -> list[Json]:
        """The connected clients."""
        return self._items("clients")

    def drain_combiner(self, name: str) -> Json:
        """Have a combiner without clients and rounds, until it is resumed; NotFound."""
        return self._post("combiners", name, "drain")

    def resume_combiner(self, name: str) -> Json:
        """Have a drained combiner take clients and rounds again; NotFound."""
        return self._post("combiners", name, "resume")

    def remove_combiner(self, name: str) -> Json:
        """Forget a combiner that is out of reach, or drained and without clients.

        Raises:
            Conflict: It has a part in the network still.
            NotFound: No such combiner.
        """
        answer: Json = self._http.delete(_url("combiners", name))
        return answer

    def remove_client(self, name: str, *, revoke: bool = False) -> Json:
        """Cut a client off: `{name, combiner, revoked_token}`. While its token is good it may come back.

        Args:
            revoke: Whether the token that it came with is revoked, too.

        Raises:
            Conflict: The token to be revoked is not this client's alone.
            NotFound: No such client.
        """
        answer: Json = self._http.delete(f"{_url('clients', name)}{'?revoke=true' if revoke else ''}")
        return answer

    def reassign_client(self, name: str, combiner: str) -> Json:
        """Have a client go to another combiner, once it has delivered what it is at: `{name, combiner, target}`.

        Raises:
            Conflict: It is there already, or the combiner takes no clients.
            NotFound: No such client is connected, or there is no such combiner.
            Unavailable: A combiner is out of reach, or the other one is full.
        """
        return self._post("clients", name, "reassign", combiner=combiner)

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
        """The record of a model, by its id or a tag; NotFound."""
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
            model_id: Id of the model, or a tag.
            target: The file, or a folder, in which it is named after the model and its format: `model-ID.npz`.

        Returns:
            The file.
        """
        target = Path(target)
        model = self.model(model_id)
        name = f"model-{model_id}" if target.is_dir() else target.name
        partial = (target if target.is_dir() else target.parent) / f".{name}.part"
        self._http.download(_url("models", model.id, "data"), partial)
        if sha256_file(partial) != model.sha256:
            partial.unlink()
            raise Corrupt(f"model {model_id} arrived changed", hint="try again")
        if target.is_dir():
            target /= f"{name}{weights.format_of(partial).suffix}"
        return partial.replace(target)

    def lineage(self, model_id: str, limit: int = 100) -> list[Model]:
        """A model, by its id or a tag, its parent and so on: up to `limit` of at most 1,000; NotFound."""
        found = self._http.get(_url("models", model_id, "lineage"), limit=limit)["items"]
        return [Model.from_body(body) for body in found]

    def compare_models(self, a: str, b: str) -> Json:
        """How far two models, by ids or tags, lie apart: `{a, b, arrays, total}`, norms with the records of both.

        Raises:
            Conflict: They are not made of the same arrays.
        """
        return self._get("models", a, "difference", b)

    def tags(self) -> list[Tag]:
        """The names of models."""
        return [Tag.from_body(body) for body in self._items("tags")]

    def tag_model(self, name: str, model_id: str) -> Tag:
        """Have a name point at a model, by its id or another tag; InvalidInput where it is no good name."""
        return Tag.from_body(self._http.put(_url("tags", name), {"model": model_id}))

    def untag_model(self, name: str) -> None:
        """Forget a tag; the model stays. NotFound."""
        self._http.delete(_url("tags", name))

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

    def compare_sessions(self, *session_ids: str) -> list[Json]:
        """Sessions side by side: settings that differ, seconds a round, final and best metrics; NotFound."""
        items: list[Json] = self._http.get(_url("sessions", "compare"), session_id=list(session_ids))["items"]
        return items

    def progress(self, session_id: str) -> Json:
        """How far a session is, what it waits for, and its running round, else the last; NotFound."""
        return self._get("sessions", session_id, "progress")

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

    def events(
        self,
        limit: int | None = 100,
        *,
        level: str | None = None,
        kind: str | None = None,
        source: str | None = None,
        session_id: str | None = None,
        since: float | None = None,
        until: float | None = None,
        text: str | None = None,
    ) -> list[Event]:
        """What happened in the network.

        Args:
            since: Only what happened from then on, in seconds since the epoch.
            until: Only what happened before then.
            text: Only what has this in its message, in capital letters or not.
        """
        filters = {"level": level, "kind": kind, "source": source, "session_id": session_id, "text": text}
        found = self._items("events", limit=limit, **filters, since=since, until=until)
        return [Event.from_body(body) for body in found]

    def watch(self) -> Iterator[tuple[str, Json]]:
        """All that happens in the network from the call on, as it happens: (kind, data), as in `watch_session`."""
        lines = self._http.lines(_url("events", "watch"))
        next(lines)  # says that the watch is on
        return _server_sent(lines)

    def samples(self, *, since: float = 0.0, limit: int = 1000) -> list[Sample]:
        """What reducer and combiners took of their machines, oldest first; the newest `limit` of at most 10,000.

        Args:
            since: In seconds since the epoch.
        """
        found = self._http.get(_url("monitoring"), since=since, limit=limit)["items"]
        return [Sample.from_body(body) for body in found]

    def settings(self) -> list[Json]:
        """The reducer's settings in groups, without its secrets."""
        groups: list[Json] = self._get("settings")["groups"]
        return groups

    def about(self) -> Json:
        """Versions and licences of the reducer and the libraries that it runs on."""
        return self._get("about")

    def tokens(self) -> list[Token]:
        """The tokens that were issued, without the tokens themselves."""
        return [Token.from_body(body) for body in self._items("tokens")]

    def create_token(self, role: str, *, days: float | None = None, name: str = "") -> Json:
        """A new token: `{id, role, token, join, settings, expires_at, warning}`. It is shown this once.

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

    def _post(self, *parts: str, **body: Any) -> Json:
        answer: Json = self._http.post(_url(*parts), body)
        return answer

    def _items(self, path: str, *, limit: int | None = None, **filters: str | float | None) -> list[Json]:
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
