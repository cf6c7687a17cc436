"""An issuer of tokens: keys of its own, and the address where it publishes them, on a free port of loopback."""

import contextlib
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

PATH = "/auth/v1/.well-known/jwks.json"


class SigningKey:
    """A key that an issuer signs with. `entry` is what it publishes of it."""

    def __init__(self, kid: str, algorithm: str = "ES256", *, rsa_bits: int = 2048) -> None:
        self.kid = kid
        self.algorithm = algorithm
        self.private: Any
        match algorithm:
            case "ES256":
                self.private = ec.generate_private_key(ec.SECP256R1())
                entry = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
            case "EdDSA":
                self.private = ed25519.Ed25519PrivateKey.generate()
                entry = OKPAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
            case _:
                self.private = rsa.generate_private_key(public_exponent=65537, key_size=rsa_bits)
                entry = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        # As Supabase publishes them.
        self.entry: dict[str, Any] = {**entry, "kid": kid, "alg": algorithm, "use": "sig", "key_ops": ["verify"], "ext": True}

    def token(self, role: str = "authenticated", *, headers: dict[str, Any] | None = None, **claims: object) -> str:
        payload = {"role": role, "exp": datetime.now(UTC) + timedelta(minutes=5), "iss": "https://example.test/auth/v1", **claims}
        return jwt.encode(payload, self.private, algorithm=self.algorithm, headers={"kid": self.kid, **(headers or {})})

    def bearer(self, role: str = "authenticated", **others: Any) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token(role, **others)}"}


class Issuer:
    """Publishes keys. `asked` counts who read them; while `may_answer` is not set, nobody gets an answer."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = b""
        self.asked = 0
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.url = ""

    def publish(self, *keys: SigningKey | dict[str, Any]) -> None:
        entries = [key.entry if isinstance(key, SigningKey) else key for key in keys]
        self.body = json.dumps({"keys": entries}).encode()


@contextlib.contextmanager
def issuing() -> Iterator[Issuer]:
    """An issuer that answers until the block ends."""
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked += 1
            issuer.may_answer.wait(30)
            self.send_response(issuer.status)
            for name, value in {"content-length": str(len(issuer.body)), **issuer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            # Who asked may have gone.
            with contextlib.suppress(ConnectionError):
                self.wfile.write(issuer.body)

        def log_message(self, *_: Any) -> None:
            """Nothing: the tests' output is for failures."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, name="issuer")
        thread.start()
        issuer.url = f"http://127.0.0.1:{server.server_address[1]}{PATH}"
        try:
            yield issuer
        finally:
            issuer.may_answer.set()
            server.shutdown()
            thread.join()
