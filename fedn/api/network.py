"""The network: combiners, clients, what needs attention."""

from __future__ import annotations

from fedn.api.calls import Calls, Json, address


class NetworkCalls(Calls):
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
        answer: Json = self._http.delete(address("combiners", name))
        return answer

    def remove_client(self, name: str, *, revoke: bool = False) -> Json:
        """Cut a client off: `{name, combiner, revoked_token}`. While its token is good it may come back.

        Args:
            revoke: Whether the token that it came with is revoked, too.

        Raises:
            Conflict: The token to be revoked is not this client's alone.
            NotFound: No such client.
        """
        answer: Json = self._http.delete(f"{address('clients', name)}{'?revoke=true' if revoke else ''}")
        return answer

    def reassign_client(self, name: str, combiner: str) -> Json:
        """Have a client go to another combiner, once it has delivered what it is at: `{name, combiner, target}`.

        Raises:
            Conflict: It is there already, or the combiner takes no clients.
            NotFound: No such client is connected, or there is no such combiner.
            Unavailable: A combiner is out of reach, or the other one is full.
        """
        return self._post("clients", name, "reassign", combiner=combiner)
