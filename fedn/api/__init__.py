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

from pathlib import Path
from types import TracebackType

from fedn.api.about import AboutCalls
from fedn.api.calls import Json
from fedn.api.events import EventCalls
from fedn.api.models import ModelCalls
from fedn.api.network import NetworkCalls
from fedn.api.packages import PackageCalls
from fedn.api.sessions import SessionCalls
from fedn.api.tokens import TokenCalls
from fedn.config import Member
from fedn.rpc.discovery import find_reducer
from fedn.rpc.http import connect

__all__ = ["Json", "Reducer"]


class Reducer(AboutCalls, NetworkCalls, PackageCalls, ModelCalls, SessionCalls, EventCalls, TokenCalls):
    """A session with a reducer; use it in a `with` block or `close` it. What lists, lists the newest first.

    Args:
        http: The connection, with a token that may do what is asked.
    """

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

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Reducer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
