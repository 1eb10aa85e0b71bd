"""Tokens and their identities."""

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from jwt.algorithms import RSAAlgorithm

from longwire.errors import AuthenticationError, ConfigurationError
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


def invalid_tokens() -> dict[str, str]:
    now = int(time.time())
    good = {"sub": "alice", "exp": now + 60}
    return {
        "nothing": "",
        "garbage": "garbage",
        "another secret": jwt.encode(good, "another secret of thirty-two bytes!!", "HS256"),
        "alg none": jwt.encode(good, None, "none"),
        "another algorithm": jwt.encode(good, SECRET * 2, "HS512"),
        "no expiry": jwt.encode({"sub": "alice"}, SECRET, "HS256"),
        "no user": jwt.encode({"exp": now + 60}, SECRET, "HS256"),
        "an empty user": jwt.encode({"sub": "", "exp": now + 60}, SECRET, "HS256"),
        "a user with a line break": jwt.encode({"sub": "a\nb", "exp": now + 60}, SECRET, "HS256"),
        "not yet": jwt.encode({**good, "nbf": now + 600}, SECRET, "HS256"),
    }


@pytest.mark.parametrize("kind", sorted(invalid_tokens()))
async def test_an_invalid_token_is_rejected(kind: str) -> None:
    with pytest.raises(AuthenticationError) as caught:
        await jwt_authenticator(SECRET)(invalid_tokens()[kind])
    assert caught.value.code == ("token_missing" if kind == "nothing" else "token_invalid")


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", ["soon", float("nan"), None])
async def test_a_time_that_is_not_a_number_is_rejected(name: str, value: object) -> None:
    claims = {"sub": "alice", "exp": time.time() + 60, name: value}
    token = jwt.api_jws.encode(json.dumps(claims).encode(), SECRET, "HS256")

    with pytest.raises(AuthenticationError, match="token is invalid"):
        await jwt_authenticator(SECRET)(token)


async def test_leeway_allows_for_clocks_that_differ() -> None:
    authenticate = jwt_authenticator(SECRET, leeway=10)

    assert await authenticate(issue_token(SECRET, "alice", ttl=-5)) is not None
    early = {"sub": "alice", "exp": time.time() + 60, "nbf": time.time() + 5}
    assert await authenticate(jwt.encode(early, SECRET, "HS256")) is not None


async def test_an_expired_token_has_a_code_of_its_own() -> None:
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


def test_an_empty_secret_is_rejected() -> None:
    with pytest.raises(ConfigurationError):
        jwt_authenticator("")


@pytest.fixture
def issuer() -> Iterator[tuple[str, RSAPrivateKey]]:
    """An issuer that publishes its key, like an identity provider."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    published = RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
    body = json.dumps({"keys": [{**published, "kid": "one", "use": "sig"}]}).encode()

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Write no log."""

    with HTTPServer(("127.0.0.1", 0), Keys) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/keys", private
        server.shutdown()
        thread.join()


async def test_published_keys_verify(issuer: tuple[str, RSAPrivateKey]) -> None:
    url, private = issuer
    authenticate = jwt_authenticator(jwks_url=url, algorithms=["RS256"])
    claims = {"sub": "alice", "exp": int(time.time()) + 60}
    identity = await authenticate(jwt.encode(claims, private, "RS256", {"kid": "one"}))
    assert identity is not None
    assert identity.user_id == "alice"


@pytest.mark.parametrize("kid", ["two", "../../etc/passwd", "' OR 1=1 --", ""])
async def test_a_key_that_the_issuer_does_not_publish_verifies_nothing(
    issuer: tuple[str, RSAPrivateKey], kid: str
) -> None:
    url, private = issuer
    authenticate = jwt_authenticator(jwks_url=url, algorithms=["RS256"])
    claims = {"sub": "alice", "exp": int(time.time()) + 60}
    with pytest.raises(AuthenticationError):
        await authenticate(jwt.encode(claims, private, "RS256", {"kid": kid}))


def test_published_keys_cannot_be_used_as_a_shared_secret() -> None:
    with pytest.raises(ConfigurationError, match="algorithms"):
        jwt_authenticator(jwks_url="http://127.0.0.1/keys")


async def test_anonymous_accepts_every_token() -> None:
    identity = await anonymous("")
    assert identity.user_id == "anonymous"
