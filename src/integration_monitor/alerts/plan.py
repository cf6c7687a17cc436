"""What the settings say about alerts, read once when the server starts."""

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from integration_monitor.alerts import quiet, targets
from integration_monitor.alerts.quiet import QuietHours
from integration_monitor.alerts.targets import Target
from integration_monitor.alerts.tracking import Patience
from integration_monitor.errors import SettingsError
from integration_monitor.settings import Settings

#: The route of what is nobody's service: writers.
WRITERS = "writers"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """How alerts are made and whom they go to."""

    patience: Patience
    everyone: Sequence[Target]
    #: service, or WRITERS → whom its messages go to in place of everyone
    routes: Mapping[str, Sequence[Target]]
    quiet_hours: QuietHours | None
    #: services, or WRITERS, that are told of in quiet hours too
    urgent: frozenset[str]
    zone: ZoneInfo
    #: the dashboard; None where nobody said where it is
    public_url: str | None

    def targets_of(self, subject: str) -> Sequence[Target]:
        """Whom messages about a service, or about writers (the empty text), go to."""
        return self.routes.get(subject or WRITERS, self.everyone)

    def told_at(self, subject: str, now: datetime) -> datetime:
        """When a message may leave: now, or when quiet hours end."""
        if self.quiet_hours is None or (subject or WRITERS) in self.urgent:
            return now
        return self.quiet_hours.ends_at(now) or now

    def all_targets(self) -> Mapping[str, Target]:
        """Every target, by its name."""
        return targets.by_name([self.everyone, *self.routes.values()])


def plan(settings: Settings) -> Plan:
    """The plan that settings make.

    Errors:
        SettingsError: a time zone, quiet hours or an Apprise URL cannot be used. It never holds a URL.
    """
    try:
        zone = ZoneInfo(settings.alerts_time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingsError(
            f"alerts_time_zone: this machine knows no time zone {settings.alerts_time_zone!r}; an example is Asia/Almaty",
            name="alerts_time_zone",
        ) from error
    return Plan(
        patience=Patience(begin=timedelta(seconds=settings.alerts_after_s), end=timedelta(seconds=settings.alerts_clear_s)),
        everyone=targets.parse("alerts_urls", settings.alerts_urls),
        # A URL holds no space: it would be written %20.
        routes={name: targets.parse("alerts_routes", urls.split()) for name, urls in settings.alerts_routes.items()},
        quiet_hours=quiet.parse(settings.alerts_quiet_hours, zone) if settings.alerts_quiet_hours else None,
        urgent=frozenset(settings.alerts_urgent),
        zone=zone,
        public_url=settings.public_url,
    )
