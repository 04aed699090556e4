from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fedn.errors import Forbidden, NotFound, Unauthenticated
from fedn.reducer.tokens import DAY, SESSION_SECONDS, Tokens
from fedn.security.join import JoinString
from fedn.security.tokens import Role, TokenVerifier, fingerprint_of
from fedn.stores.documents import Token
from fedn.stores.protocols import StateStore
from fedn.stores.sqlite import SqliteStateStore

FINGERPRINT = "ab" * 32


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateStore]:
    with contextlib.closing(SqliteStateStore(tmp_path / "state.db")) as state:
        yield state


def make(folder: Path, state: StateStore, network: str = "net") -> Tokens:
    return Tokens(folder, network=network, fingerprint=FINGERPRINT, state=state)


@pytest.fixture
def tokens(tmp_path: Path, state: StateStore) -> Tokens:
    return make(tmp_path, state)


def test_a_token_says_who_bears_it_and_is_remembered_without_itself(tokens: Tokens, state: StateStore) -> None:
    document, token = tokens.issue(Role.CLIENT, days=2, subject="ada", created_by="operator")
    claims = tokens.verify(token)
    assert (claims.token_id, claims.role, claims.subject) == (document.id, Role.CLIENT, "ada")
    assert claims.expires_at - claims.issued_at == 2 * DAY
    assert state.get(Token, document.id) == document
    assert token not in repr(document)
    assert fingerprint_of(token) == FINGERPRINT


def test_tokens_outlive_the_process_and_so_does_their_revocation(
    tokens: Tokens, state: StateStore, tmp_path: Path
) -> None:
    kept, revoked = (tokens.issue(Role.VIEWER, days=1) for _ in range(2))
    tokens.revoke(revoked[0].id)
    again = make(tmp_path, state)
    assert again.verify(kept[1]).token_id == kept[0].id
    for one in (tokens, again):
        with pytest.raises(Unauthenticated, match="the token was revoked"):
            one.verify(revoked[1])
    assert again.revoked == {revoked[0].id}


def test_a_token_is_over_once_it_is_revoked_or_has_expired(tokens: Tokens) -> None:
    good, revoked, expired = (tokens.issue(Role.CLIENT, days=days)[0].id for days in (1, 1, 1e-9))
    tokens.revoke(revoked)
    while expired not in tokens.over():
        continue
    assert tokens.over() == {revoked, expired}
    assert good not in tokens.over()


def test_revoking_twice_changes_nothing(tokens: Tokens) -> None:
    document, _ = tokens.issue(Role.VIEWER, days=1)
    first = tokens.revoke(document.id)
    assert first.revoked_at is not None
    assert tokens.revoke(document.id) == first
    with pytest.raises(NotFound, match="no token nonsense"):
        tokens.revoke("nonsense")


def test_the_reducers_own_role_is_given_to_nobody(tokens: Tokens) -> None:
    with pytest.raises(Forbidden, match="not given away"):
        tokens.issue(Role.REDUCER, days=1)


def test_a_client_gets_a_token_for_its_combiner_that_falls_with_its_parent(tokens: Tokens) -> None:
    parent, _ = tokens.issue(Role.CLIENT, days=1)
    token = tokens.for_client("ada", combiner="c0", parent=parent.id)
    at_combiner = TokenVerifier(tokens.public_key, "net")
    claims = at_combiner.verify(token, now=time.time(), audience="combiner c0")
    assert (claims.subject, claims.role, claims.parent) == ("ada", Role.CLIENT, parent.id)
    assert claims.expires_at - claims.issued_at == SESSION_SECONDS
    soon = tokens.for_client("ada", combiner="c0", parent=parent.id, until=time.time() + 60)
    claims = at_combiner.verify(soon, now=time.time(), audience="combiner c0")
    assert 50 < claims.expires_at - claims.issued_at <= 60
    with pytest.raises(Unauthenticated, match="for combiner c0, not for the reducer"):
        tokens.verify(token)
    tokens.revoke(parent.id)
    with pytest.raises(Unauthenticated, match="revoked"):
        at_combiner.verify(token, now=time.time(), revoked=tokens.revoked, audience="combiner c0")


def test_the_reducer_shows_a_combiner_a_token_of_its_own(tokens: Tokens) -> None:
    claims = TokenVerifier(tokens.public_key, "net").verify(
        tokens.for_call("c0"), now=time.time(), audience="combiner c0"
    )
    assert claims.role is Role.REDUCER


def test_tokens_of_another_network_or_key_are_foreign(tokens: Tokens, state: StateStore, tmp_path: Path) -> None:
    others = (make(tmp_path, state, network="other"), make(tmp_path / "other", state))
    for other in others:
        _, token = other.issue(Role.VIEWER, days=1)
        with pytest.raises(Unauthenticated, match="not issued by the network net"):
            tokens.verify(token)


def test_the_signing_key_is_for_its_owner_alone(tokens: Tokens, tmp_path: Path) -> None:
    assert (tmp_path / "signing.key").stat().st_mode & 0o077 == 0


def test_a_join_string_holds_all_that_a_newcomer_needs(tokens: Tokens) -> None:
    _, token = tokens.issue(Role.CLIENT, days=1)
    join = JoinString.parse(tokens.join_string(token, host="::1", port=8090))
    assert join == JoinString(host="::1", port=8090, fingerprint=FINGERPRINT, token=token)
