"""`INSTALLED_APPS = [..., "integration_monitor.contrib.django"]`.

Settings come from `INTEGRATION_MONITOR` of Django's settings, a dictionary with the names of the settings table; what it does not hold comes from
the environment.
"""

from collections.abc import Mapping

from django.apps import AppConfig  # type: ignore[import-untyped]
from django.conf import settings  # type: ignore[import-untyped]
from django.core.exceptions import ImproperlyConfigured  # type: ignore[import-untyped]

from integration_monitor.errors import MissingExtraError, SettingsError
from integration_monitor.instrumentation import instrument

SETTING = "INTEGRATION_MONITOR"


class IntegrationMonitorConfig(AppConfig):  # type: ignore[misc]  # Django has no types
    """Instruments the process when Django has loaded its applications."""

    name = "integration_monitor.contrib.django"
    label = "integration_monitor"
    verbose_name = "Integration Monitor"

    def ready(self) -> None:
        """Does nothing where the process is instrumented already, as under `integration-monitor run`.

        Errors:
            ImproperlyConfigured: a setting is missing, unknown or wrong; it is named, as in Django's settings or in the environment.
        """
        given = getattr(settings, SETTING, {})
        if not isinstance(given, Mapping):
            raise ImproperlyConfigured(f"{SETTING} must be a dictionary of settings, not {type(given).__name__}")
        try:
            instrument(**given)
        except SettingsError as error:
            place = f"{SETTING}[{error.name!r}]" if error.name in given else error.name
            raise ImproperlyConfigured(f"{place}: {error}") from error
        except (MissingExtraError, TypeError) as error:
            raise ImproperlyConfigured(f"{SETTING}: {error}") from error
