"""Names of headers, query parameters and fields that hold secrets anywhere, whoever the vendor is."""

import re
from functools import lru_cache

# A name is longer only where somebody plays with us.
_NAME_CHARS_MAX = 200
_REFERENCE_CHARS_MAX = 32

#: What stands in place of a secret. A password may begin like it.
REFERENCE = re.compile(r"\$\{[\w.:-]+\}")

_LAST_BRACKET = re.compile(r"\[([^\[\]]*[A-Za-z][^\[\]]*)\](?:\[\d*\])*$")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

# Written as one word, without dashes and underscores → name in the reference.
_EXACT = {
    "apikey": "api_key",
    "auth": "auth",
    "bearer": "bearer",
    "cookies": "cookies",
    "credentials": "credentials",
    "cvc": "cvc",
    "cvv": "cvv",
    "cvv2": "cvv",
    "jsessionid": "session",
    "jwt": "jwt",
    "otp": "otp",
    "otpcode": "otp",
    "pass": "password",
    "passwords": "passwords",
    "phpsessid": "session",
    "psw": "password",
    "pwd": "password",
    "secrets": "secrets",
    "sig": "signature",
    "xamzsignature": "signature",
    "xgoogsignature": "signature",
}
# Endings of names → the same ending as words, for the reference.
_ENDINGS = {
    "accountkey": "account_key",
    "accesskey": "access_key",
    "accesstokens": "access_tokens",
    "apikey": "api_key",
    "apikeys": "api_keys",
    "authkey": "auth_key",
    "authorization": "authorization",
    "clientsecret": "client_secret",
    "cookie": "cookie",
    "credential": "credential",
    "encryptionkey": "encryption_key",
    "functionskey": "functions_key",
    "passphrase": "passphrase",
    "pass": "password",
    "passcode": "passcode",
    "passwd": "password",
    "password": "password",
    "privatekey": "private_key",
    "pwd": "password",
    "refreshtokens": "refresh_tokens",
    "secret": "secret",
    "secretkey": "secret_key",
    "sessionkey": "session_key",
    "signingkey": "signing_key",
    "subscriptionkey": "subscription_key",
    "token": "token",
}
# Only a word of its own: a compass is no password.
_ENDINGS_PATTERN = re.compile(f"(?:{'|'.join(sorted(_ENDINGS.keys() - {'pass'}, key=len, reverse=True))})$")
# Words behind the name of a secret: `password_confirmation`, `SecretString`, `apiKeyV2`.
_SAID_BEHIND = frozenset(
    {"again", "binary", "confirm", "confirmation", "hash", "hint", "new", "old", "pem", "plain", "repeat", "string", "v", "value"}
)
# Where a list goes on: pages are no secrets.
_HARMLESS_ENDINGS = ("pagetoken", "nexttoken", "previoustoken", "continuationtoken", "paginationtoken", "synctoken")

#: Every name that is secret holds one of these, once it is `squeezed`: where a text has none of them, it names no secret.
WORDS = (
    *("token", "secret", "pass", "key", "auth", "cookie", "credential", "jwt", "pwd", "psw", "cvv", "cvc", "otp", "sess"),
    *("sig", "bearer"),
)

# For names alone: in a longer text one search for each word is faster.
_WORD_OF_SECRET = re.compile("|".join(WORDS))


def squeezed(name: str) -> str:
    """A name, or a text, without what may divide the words of a name."""
    return name.replace("_", "").replace("-", "").replace(".", "")


@lru_cache(maxsize=8192)
def reference_name(name: str) -> str | None:
    """What a secret of this name is called in references; None where the name is harmless.

    Case, dashes and underscores do not count; of `params[apiKey]` only the last part does.
    """
    if REFERENCE.fullmatch(name):
        return None  # a reference that stands for a secret already
    if len(name) > _NAME_CHARS_MAX:
        name = name[-_NAME_CHARS_MAX:]
    if _WORD_OF_SECRET.search(squeezed(name.lower())) is None:
        return None
    bracket = _LAST_BRACKET.search(name)
    words = [word.lower() for word in _WORD.findall(bracket[1] if bracket else name)]
    while words and (words[-1].isdigit() or words[-1] in _SAID_BEHIND):
        words.pop()
    joined = "".join(words)
    if joined in _EXACT:
        return _EXACT[joined]
    found = _ENDINGS_PATTERN.search(joined)
    ending = found[0] if found else "pass" if words[-1:] == ["pass"] else None
    if ending is None or joined.endswith(_HARMLESS_ENDINGS):
        return None
    return _in_words(words, joined, ending)


def _in_words(words: list[str], joined: str, ending: str) -> str:
    """`bot_token` for botToken, `access_token` for accesstoken, `api_key` for X-API-Key."""
    if words[0] == "x" and len(words) > 1:
        words = words[1:]
    name = "_".join(words)
    if len(words) == 1:
        beginning = joined.removesuffix(ending)
        name = f"{beginning}_{_ENDINGS[ending]}" if beginning and not beginning.endswith("x") else _ENDINGS[ending]
    return name if len(name) <= _REFERENCE_CHARS_MAX else _ENDINGS[ending]
