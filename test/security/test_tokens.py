from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from hypothesis import given
from hypothesis import strategies as st

from fedn.errors import ConfigError, Unauthenticated
from fedn.security.tokens import Claims, Role, TokenIssuer, TokenVerifier, fingerprint_of, new_signing_key, public_key

KEY = new_signing_key()
PUBLIC_KEY = public_key(KEY)
ISSUER = TokenIssuer(KEY, "net")
NOW = 1_700_000_000.25
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def verifier() -> TokenVerifier:
    return TokenVerifier(PUBLIC_KEY, "net")


def join_token(*, lifetime: float = 60) -> str:
    return ISSUER.issue(Role.CLIENT, token_id="t1", now=NOW, lifetime=lifetime)


@given(role=st.sampled_from(Role), token_id=names, subject=names, parent=names, audience=names)
def test_claims_come_back_as_issued(role: Role, token_id: str, subject: str, parent: str, audience: str) -> None:
    token = ISSUER.issue(
        role, token_id=token_id, now=NOW, lifetime=60, subject=subject, parent=parent, audience=audience
    )
    claims = verifier().verify(token, now=NOW, audience=audience)
    assert claims == Claims(token_id, role, subject, "net", int(NOW), int(NOW) + 60, parent, audience)


def test_good_until_it_expires() -> None:
    check, token = verifier(), join_token(lifetime=60)
    assert check.verify(token, now=NOW + 59).token_id == "t1"
    with pytest.raises(Unauthenticated, match="expired on 2023-11-14 at 22:14:20 UTC"):
        check.verify(token, now=NOW + 60)


def test_revoking_a_token_revokes_what_was_derived_from_it() -> None:
    check = verifier()
    derived = ISSUER.issue(Role.CLIENT, token_id="t2", now=NOW, lifetime=60, subject="c1", parent="t1")
    assert check.verify(derived, now=NOW, revoked={"t3", ""}).subject == "c1"
    for revoked in ({"t2"}, {"t1"}):
        with pytest.raises(Unauthenticated, match="revoked"):
            check.verify(derived, now=NOW, revoked=revoked)


def test_a_token_serves_only_its_audience() -> None:
    check = verifier()
    bound = ISSUER.issue(Role.CLIENT, token_id="t2", now=NOW, lifetime=60, audience="a")
    assert check.verify(bound, now=NOW, audience="a").audience == "a"
    with pytest.raises(Unauthenticated, match="for a, not for b"):
        check.verify(bound, now=NOW, audience="b")
    with pytest.raises(Unauthenticated, match="for a, not for the reducer"):
        check.verify(bound, now=NOW)
    with pytest.raises(Unauthenticated, match="for the reducer, not for a"):
        check.verify(join_token(), now=NOW, audience="a")


def test_another_networks_token() -> None:
    other = TokenIssuer(new_signing_key(), "net").issue(Role.OPERATOR, token_id="x", now=NOW, lifetime=60)
    namesake = TokenIssuer(KEY, "other").issue(Role.OPERATOR, token_id="x", now=NOW, lifetime=60)
    for token in (other, namesake):
        with pytest.raises(Unauthenticated, match="not issued by the network net"):
            verifier().verify(token, now=NOW)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "Token x", "é.é.é", join_token()[:-30], join_token() + "!"])
def test_malformed(token: str) -> None:
    with pytest.raises(Unauthenticated):
        verifier().verify(token, now=NOW)


@given(position=st.integers(0, 400), letter=st.sampled_from("AZaz09-_"))
def test_no_change_to_what_it_says_goes_unnoticed(position: int, letter: str) -> None:
    token = join_token()
    body = token.rindex(".")
    position %= body
    changed = token[:position] + letter + token[position + 1 :]
    if changed != token:
        with pytest.raises(Unauthenticated):
            verifier().verify(changed, now=NOW)


def by_hand(algorithm: str, sign: Callable[[bytes], bytes]) -> str:
    """An operator's token as a forger would make it."""

    def encode(part: bytes) -> bytes:
        return base64.urlsafe_b64encode(part).rstrip(b"=")

    claims = jwt.decode(join_token(), options={"verify_signature": False}) | {"role": "operator"}
    header = {"alg": algorithm, "typ": "JWT"}
    signed = b".".join(encode(json.dumps(part).encode()) for part in (header, claims))
    return b".".join([signed, encode(sign(signed))]).decode()


def test_a_token_that_says_it_needs_no_signature() -> None:
    with pytest.raises(Unauthenticated):
        verifier().verify(by_hand("none", lambda _: b""), now=NOW)


def test_a_token_signed_with_the_public_key_as_a_shared_secret() -> None:
    token = by_hand("HS256", lambda signed: hmac.digest(PUBLIC_KEY, signed, "sha256"))
    with pytest.raises(Unauthenticated):
        verifier().verify(token, now=NOW)


def test_the_forgers_hand_would_do_with_the_right_key() -> None:
    key = load_pem_private_key(KEY, password=None)
    assert isinstance(key, Ed25519PrivateKey)
    assert verifier().verify(by_hand("EdDSA", key.sign), now=NOW).role is Role.OPERATOR


@pytest.mark.parametrize("change", [{"role": "emperor"}, {"jti": None}, {"exp": None}])
def test_well_signed_but_not_what_this_network_issues(change: dict[str, object]) -> None:
    claims = jwt.decode(join_token(), options={"verify_signature": False}) | change
    token = jwt.encode({name: value for name, value in claims.items() if value is not None}, KEY, "EdDSA")
    with pytest.raises(Unauthenticated, match="lacks claims"):
        verifier().verify(token, now=NOW)


def test_a_token_names_the_ca_of_its_network() -> None:
    issuer = TokenIssuer(KEY, "net", ca_fingerprint="0a" * 32)
    assert fingerprint_of(issuer.issue(Role.CLIENT, token_id="t", now=NOW, lifetime=1)) == "0a" * 32
    assert fingerprint_of(join_token()) == ""
    with pytest.raises(Unauthenticated, match="malformed"):
        fingerprint_of("secret")


def test_many_threads_may_share_a_verifier() -> None:
    check, token = verifier(), join_token()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: check.verify(token, now=NOW), range(200)))
    assert set(found) == {check.verify(token, now=NOW)}


def test_keys_of_another_kind() -> None:
    rsa = generate_private_key(65537, 2048)
    private = rsa.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = rsa.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for pem, said in ((private, "not an Ed25519 key"), (b"?", "not a private key in PEM")):
        with pytest.raises(ConfigError, match=said):
            TokenIssuer(pem, "net")
    for pem, said in ((public, "not an Ed25519 key"), (b"?", "not a public key in PEM")):
        with pytest.raises(ConfigError, match=said):
            TokenVerifier(pem, "net")
