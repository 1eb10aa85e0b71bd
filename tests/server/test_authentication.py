"""Tokens and whom they speak for."""

import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from longwire.errors import AuthenticationError, LocalProtocolError
from longwire.server import anonymous, issue_token, jwt_authenticator

SECRET = "a secret of thirty-two bytes or more"


async def test_an_issued_token_names_its_user() -> None:
    identity = await jwt_authenticator(SECRET)(issue_token(SECRET, "alice"))
    assert identity is not None
    assert (identity.user_id, identity.service) == ("alice", False)
    assert identity.expires_at == pytest.approx(time.time() + 3600, abs=5)


async def test_a_service_token_names_a_service() -> None:
    identity = await jwt_authenticator(SECRET)(issue_token(SECRET, "worker", service=True))
    assert identity is not None
    assert identity.service


def hostile_tokens() -> dict[str, str]:
    now = int(time.time())
    good = {"sub": "alice", "exp": now + 60}
    return {
        "nothing": "",
        "garbage": "garbage",
        "another secret": jwt.encode(good, "another secret of thirty-two bytes!!", "HS256"),
        "alg none": jwt.encode(good, None, "none"),
        "another algorithm": jwt.encode(good, SECRET * 2, "HS512"),
        "no end": jwt.encode({"sub": "alice"}, SECRET, "HS256"),
        "no user": jwt.encode({"exp": now + 60}, SECRET, "HS256"),
        "an empty user": jwt.encode({"sub": "", "exp": now + 60}, SECRET, "HS256"),
        "a user with a line break": jwt.encode({"sub": "a\nb", "exp": now + 60}, SECRET, "HS256"),
        "not yet": jwt.encode({**good, "nbf": now + 600}, SECRET, "HS256"),
    }


@pytest.mark.parametrize("kind", sorted(hostile_tokens()))
async def test_a_hostile_token_is_refused(kind: str) -> None:
    with pytest.raises(AuthenticationError) as caught:
        await jwt_authenticator(SECRET)(hostile_tokens()[kind])
    assert caught.value.code == ("token_missing" if kind == "nothing" else "token_invalid")


async def test_an_expired_token_says_so() -> None:
    with pytest.raises(AuthenticationError) as caught:
        await jwt_authenticator(SECRET)(issue_token(SECRET, "alice", ttl=-1))
    assert caught.value.code == "token_expired"


async def test_a_public_key_verifies_and_cannot_be_used_as_a_shared_secret() -> None:
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    authenticate = jwt_authenticator(public, algorithms=["EdDSA"])
    claims = {"sub": "alice", "exp": int(time.time()) + 60}
    identity = await authenticate(jwt.encode(claims, pem, "EdDSA"))
    assert identity is not None
    assert identity.user_id == "alice"
    confused = jwt.encode(claims, "any secret at all, long enough for HS", "HS256")
    with pytest.raises(AuthenticationError):
        await authenticate(confused)


def test_an_empty_secret_is_refused() -> None:
    with pytest.raises(LocalProtocolError):
        jwt_authenticator("")


async def test_anonymous_lets_everybody_in() -> None:
    identity = await anonymous("")
    assert identity.user_id == "anonymous"
