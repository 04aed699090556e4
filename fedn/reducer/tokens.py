"""The network's tokens: issued, remembered by id, revoked. The tokens themselves are kept nowhere."""

from __future__ import annotations

import math
import time
import uuid
from pathlib import Path

from fedn.errors import Forbidden, NotFound
from fedn.security.join import JoinString
from fedn.security.private import keep
from fedn.security.tokens import Claims, Role, TokenIssuer, TokenVerifier, new_signing_key, public_key
from fedn.stores.documents import Token
from fedn.stores.protocols import Insert, Put, StateStore

DAY = 86_400.0

SESSION_SECONDS = 7 * DAY
"""How long a client's token for one combiner is good; it asks for another assignment after that."""

CALL_SECONDS = 3600.0
"""How long the reducer's own token for a combiner is good."""

LOGIN_SECONDS = 12 * 3600.0
"""How long a login in a browser is good."""

_BROWSER = "browser"
"""The audience of a login's token: it counts as a cookie and nowhere else."""


class Tokens:
    """Issues, checks and revokes. Safe to use from many threads.

    Args:
        folder: Holds `signing.key`, made on first use.
        network: Id of the network, which every token names.
        fingerprint: Of the network's CA, which every token names too.
        state: Remembers what was issued.
    """

    def __init__(self, folder: Path, *, network: str, fingerprint: str, state: StateStore) -> None:
        key = keep(folder / "signing.key", new_signing_key)
        self.public_key = public_key(key)
        self._fingerprint = fingerprint
        self._issuer = TokenIssuer(key, network, ca_fingerprint=fingerprint)
        self._verifier = TokenVerifier(self.public_key, network)
        self._state = state
        self._revoked = frozenset(token.id for _, token in state.find(Token) if token.revoked_at is not None)

    @property
    def revoked(self) -> frozenset[str]:
        """Ids of the revoked tokens."""
        return self._revoked

    def over(self) -> frozenset[str]:
        """Ids of the tokens that are no good any more: revoked, or expired."""
        now = time.time()
        return self._revoked | {token.id for _, token in self._state.find(Token) if token.expires_at <= now}

    def issue(self, role: Role, *, days: float, subject: str = "", created_by: str = "") -> tuple[Token, str]:
        """A new token and its document. The token is shown this once.

        Args:
            subject: The one name it is good for; empty leaves the name to the bearer.

        Raises:
            Forbidden: The role of the reducer is given to nobody.
        """
        if role is Role.REDUCER:
            raise Forbidden("the reducer's own role is not given away")
        now = time.time()
        document = Token(
            id=uuid.uuid4().hex,
            role=role.value,
            subject=subject,
            created_at=now,
            expires_at=now + days * DAY,
            created_by=created_by,
        )
        self._state.write(Insert(document))
        token = self._issuer.issue(role, token_id=document.id, now=now, lifetime=days * DAY, subject=subject)
        return document, token

    def for_client(self, name: str, *, combiner: str, parent: str, until: float = math.inf) -> str:
        """The token that a client shows to its combiner, derived from its own, which is good until `until`."""
        now = time.time()
        return self._issuer.issue(
            Role.CLIENT,
            token_id=uuid.uuid4().hex,
            now=now,
            lifetime=min(SESSION_SECONDS, until - now),
            subject=name,
            parent=parent,
            audience=f"combiner {combiner}",
        )

    def for_login(self, claims: Claims) -> tuple[str, float]:
        """The token of a login in a browser, derived from the one with these claims, and its seconds."""
        now = time.time()
        lifetime = min(LOGIN_SECONDS, claims.expires_at - now)
        token = self._issuer.issue(
            claims.role,
            token_id=uuid.uuid4().hex,
            now=now,
            lifetime=lifetime,
            subject=claims.subject,
            parent=claims.origin,
            audience=_BROWSER,
        )
        return token, lifetime

    def for_call(self, combiner: str) -> str:
        """The token that the reducer shows to a combiner."""
        return self._issuer.issue(
            Role.REDUCER,
            token_id=uuid.uuid4().hex,
            now=time.time(),
            lifetime=CALL_SECONDS,
            audience=f"combiner {combiner}",
        )

    def verify(self, token: str) -> Claims:
        """Who bears `token`; Unauthenticated says why it is no good."""
        return self._verifier.verify(token, now=time.time(), revoked=self._revoked)

    def verify_login(self, token: str) -> Claims:
        """Who logged in and was given `token`; Unauthenticated says why it is no good."""
        return self._verifier.verify(token, now=time.time(), revoked=self._revoked, audience=_BROWSER)

    def hold(self, claims: Claims) -> bool:
        """Whether the token that said so is still good: neither over nor revoked, nor the one it was derived from."""
        return time.time() < claims.expires_at and not {claims.token_id, claims.parent} & self._revoked

    def end_login(self, claims: Claims) -> None:
        """Make a login's token no good, as far as this process lasts: after its end, it has hours to live at most."""
        if claims.audience == _BROWSER:
            self._revoked |= {claims.token_id}

    def revoke(self, token_id: str) -> Token:
        """Make a token, and all that was derived from it, no good from now on.

        Raises:
            NotFound: No such token.
        """
        found = self._state.get_record(Token, token_id)
        if found is None:
            raise NotFound(f"no token {token_id}", hint="`fedn token list` shows the ids")
        token, revision = found
        if token.revoked_at is None:
            token = Token(**{**token.to_body(), "revoked_at": time.time()})
            self._state.write(Put(token, revision))
        self._revoked |= {token_id}  # also where it was written before and the answer to that was lost
        return token

    def join_string(self, token: str, *, host: str, port: int) -> str:
        """All that a newcomer with this token needs."""
        return str(JoinString(host=host, port=port, fingerprint=self._fingerprint, token=token))
