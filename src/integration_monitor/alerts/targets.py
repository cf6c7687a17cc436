"""Whom messages go to: Apprise URLs, which come from the settings alone and never from a request.

In the database and in logs a target is its scheme and a digest of its URL: URLs hold tokens and passwords.
"""

import dataclasses
import hashlib
import logging
from collections.abc import Mapping, Sequence

from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType

from integration_monitor.capture.context import suppressed
from integration_monitor.errors import SettingsError

_DIGEST_LENGTH = 8

# Apprise tells of each attempt by itself, with addresses in it. What became of a message is kept in the database, and told by us.
logging.getLogger("apprise").setLevel(logging.CRITICAL)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Target:
    """One receiver of messages."""

    #: `tgram:3fa91c2e`
    name: str
    url: str = dataclasses.field(repr=False)

    def send(self, *, title: str, body: str, is_end: bool) -> str | None:
        """Sends a message, which takes some seconds at most. None where the receiver took it, else why it did not; never raises."""
        try:
            apprise = Apprise(
                asset=AppriseAsset(app_id="Integration Monitor", app_desc="Alerts", app_url="", secure_logging=True)
            )
            apprise.add(self.url)
            kind = NotifyType.SUCCESS if is_end else NotifyType.FAILURE
            # Where an application mounts the server, our messages are none of its calls.
            with suppressed():
                is_sent = apprise.notify(title=title, body=body, notify_type=kind, body_format=NotifyFormat.TEXT)
        except Exception as error:  # noqa: BLE001 - over a hundred plug-ins, each with errors of its own
            return f"{type(error).__name__} in Apprise"
        return None if is_sent else "the receiver could not be reached, or refused"


def parse(name: str, urls: Sequence[str]) -> tuple[Target, ...]:
    """Targets of a setting, each once.

    Errors:
        SettingsError: Apprise does not know what a URL means. It names the setting, and the URL's scheme at most.
    """
    return tuple({url: _target(name, url) for url in urls}.values())


def _target(name: str, url: str) -> Target:
    scheme, separator, _ = url.partition("://")
    shown = scheme.lower() if separator and scheme.isalnum() else "?"
    if Apprise.instantiate(url) is None:
        raise SettingsError(
            f"{name}: an Apprise URL ({shown}://…) cannot be used; https://appriseit.com lists what each service needs", name=name
        )
    return Target(name=f"{shown}:{hashlib.sha256(url.encode()).hexdigest()[:_DIGEST_LENGTH]}", url=url)


def by_name(groups: Sequence[Sequence[Target]]) -> Mapping[str, Target]:
    """All targets, by name."""
    return {target.name: target for group in groups for target in group}
