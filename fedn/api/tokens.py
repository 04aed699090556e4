"""The network's tokens."""

from __future__ import annotations

from fedn.api.calls import Calls, Json, address
from fedn.stores.documents import Token


class TokenCalls(Calls):
    def tokens(self) -> list[Token]:
        """The tokens that were issued, without the tokens themselves."""
        return [Token.from_body(body) for body in self._items("tokens")]

    def create_token(self, role: str, *, days: float | None = None, name: str = "") -> Json:
        """A new token: `{id, role, token, join, settings, expires_at, warning}`. It is shown this once.

        Args:
            days: How long it is good for; by default as long as the reducer's settings say for the role.
            name: The one name that it is good for; empty leaves it to the bearer.
        """
        answer: Json = self._http.post(address("tokens"), {"role": role, "days": days, "name": name})
        return answer

    def revoke_token(self, token_id: str) -> Token:
        """Make a token, and all derived from it, no good from now on; NotFound."""
        return Token.from_body(self._http.post(address("tokens", token_id, "revoke")))
