"""JSON Web Tokens (RFC 7519), as Supabase issues them: read, understood and issued. Those that we issue ourselves are HS256.

Whatever a token's header says, it is checked by one key with the one algorithm of that key's kind: so `none` and a mix-up of kinds of keys have
no chance (RFC 8725, section 3.1). `exp` is required; `sub` and `aud` are optional, since Supabase's service_role key has neither; the audience is
not checked.
"""

import warnings
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, TypeAlias, cast

import jwt
import msgspec

from integration_monitor import record
from integration_monitor.errors import SettingsError
from integration_monitor.server.caller import ROLES, Caller
from integration_monitor.server.refusals import NotAllowed, TokenExpired, TokenRefused
from integration_monitor.store.answers import Role

Claims: TypeAlias = Mapping[str, Any]

#: Of tokens that are checked by a shared secret.
SHARED_ALGORITHM: Final = "HS256"
# Supabase's tokens have about 1 kB; a longer one is not worth parsing.
TOKEN_LENGTH_MAX: Final = 8192
# A name is shown in a corner of the dashboard.
NAME_LENGTH_MAX: Final = 100
# Beside PyJWT's own errors: hostile headers nest deeply or hold text that is no text.
_BROKEN: Final = (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError)
#: Below this a secret can be guessed (RFC 7518, section 3.2); `serve` warns.
SECRET_BYTES_MIN: Final = 32


def named_key(token: str) -> str | None:
    """The name (`kid`) of the published key by which a token wants to be checked; None where it wants to be by the shared secret.

    It only leads to a key: nothing here is proved yet.

    Errors:
        TokenRefused: it is no token, or wants a published key without naming it.
    """
    if len(token) > TOKEN_LENGTH_MAX:
        raise TokenRefused(f"The token is longer than {TOKEN_LENGTH_MAX} characters.")
    try:
        header = jwt.get_unverified_header(token)
    except _BROKEN as error:
        raise TokenRefused("This is not a valid token.") from error
    if header.get("alg") == SHARED_ALGORITHM:
        return None
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise TokenRefused(f"The token must be signed with {SHARED_ALGORITHM}, or name a published key (`kid`).")
    return kid


def read(token: str, key: str | bytes | jwt.PyJWK) -> Claims:
    """The claims of a token whose signature and times are right.

    key:
        A shared secret, or a published key, which knows its algorithm.

    Errors:
        TokenExpired: it was right once.
        TokenRefused: it is anything else; the message says what.
    """
    if len(token) > TOKEN_LENGTH_MAX:
        raise TokenRefused(f"The token is longer than {TOKEN_LENGTH_MAX} characters.")
    is_published = isinstance(key, jwt.PyJWK)
    algorithm = key.algorithm_name if isinstance(key, jwt.PyJWK) else SHARED_ALGORITHM
    try:
        with warnings.catch_warnings():
            # `serve` has warned of a short secret once; every request need not.
            warnings.simplefilter("ignore", jwt.InsecureKeyLengthWarning)
            return jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                # A clock that is a second ahead issues tokens of the future, and ids need not be text: no reason to refuse.
                options={
                    "require": ["exp"],
                    "verify_aud": False,
                    "verify_iat": False,
                    "verify_sub": False,
                    "verify_jti": False,
                },
            )
    except jwt.ExpiredSignatureError as error:
        raise TokenExpired("The token has expired.") from error
    except jwt.MissingRequiredClaimError as error:
        raise TokenRefused(f"The token has no claim `{error.claim}`.") from error
    except jwt.InvalidSignatureError as error:
        hint = "The key that it names did not sign it." if is_published else "It must be signed with this server's `jwt_secret`."
        raise TokenRefused("The token's signature is wrong.", hint=hint) from error
    except jwt.InvalidAlgorithmError as error:
        raise TokenRefused(f"The token must be signed with {algorithm}.") from error
    except _BROKEN as error:
        raise TokenRefused("This is not a valid token.") from error


def caller(claims: Claims, required_claims: Mapping[str, str], *, via: Literal["token", "cookie"] = "token") -> Caller:
    """Who the holder of a token is.

    required_claims:
        Dotted paths and the value that a token of role `authenticated` must have there.

    Errors:
        TokenRefused: the role is `anon`, which is nobody.
        NotAllowed: the role is none of ours, or a required claim is missing.
    """
    role = claims.get("role")
    if role == "anon":
        raise TokenRefused("The role `anon` is nobody in particular.", hint="Sign in, and send the token of a user or a service.")
    if not isinstance(role, str) or role not in ROLES:
        raise NotAllowed("The token's `role` is none of those that may ask.", hint=f"One of: {', '.join(sorted(ROLES))}.")
    if role == "authenticated":
        for path, value in required_claims.items():
            if not _holds(claims, path, value):
                raise NotAllowed(
                    f"The token lacks the claim `{path}` with the required value.",
                    hint="Whoever administers the users grants it; the setting `required_claims` asks for it.",
                )
    return Caller(role=cast("Role", role), name=_name(claims, role), via=via)


def expires_at(claims: Claims) -> datetime:
    """When a token that was read ends, in UTC; never beyond what a datetime can hold."""
    try:
        return datetime.fromtimestamp(int(claims["exp"]), UTC)
    except (OverflowError, ValueError, OSError):  # `exp` is further away than the calendar reaches
        return datetime.max.replace(tzinfo=UTC)


def issue(
    role: str,
    secret: str | bytes,
    *,
    lifetime: timedelta,
    name: str | None = None,
    required_claims: Mapping[str, str] | None = None,
) -> str:
    """A token for a role, with the claims that this server requires of it.

    Errors:
        SettingsError: two required claims contradict each other, such as `a=x` and `a.b=y`.
    """
    now = record.now()
    claims: dict[str, Any] = {"role": role, "iat": int(now.timestamp()), "exp": int((now + lifetime).timestamp())}
    if name is not None:
        claims["sub"] = name
    for path, value in (required_claims or {}).items():
        *outer, last = path.split(".")
        place = claims
        for part in outer:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                message = f"`{path}` lies below a claim that has a value of its own"
                raise SettingsError(f"required_claims: {message}", name="required_claims")
        place[last] = value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", jwt.InsecureKeyLengthWarning)
        return jwt.encode(claims, secret, algorithm=SHARED_ALGORITHM)


def _holds(claims: Claims, path: str, expected: str) -> bool:
    """Whether the claim at a dotted path is the expected text, or a list that contains it."""
    value: Any = claims
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return False
        value = value[part]
    return any(_text(item) == expected for item in (value if isinstance(value, list) else [value]))


def _text(value: object) -> str | None:
    """A claim's value as a setting would write it: text as it is, `true`, `5`."""
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode() if isinstance(value, (bool, int)) else None


def _name(claims: Claims, role: str) -> str:
    for claim in ("email", "sub"):
        if isinstance(claims.get(claim), str) and claims[claim]:
            return str(claims[claim])[:NAME_LENGTH_MAX]
    return role
