"""System checks: each has an id, says what is wrong, and hints at the cure.

A value that is no value at all (an unknown time zone, a switch that is neither yes nor no) never
gets this far: settings.py refuses it.
"""

import os
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from costs import pricing

LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1", "[::1]"}


@register(Tags.files)
def data_folder_is_writable(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    if os.access(settings.DATA_DIR, os.W_OK | os.X_OK):
        return []
    return [
        Error(
            f"The data folder {settings.DATA_DIR} cannot be written to.",
            hint="Give it to the user who runs the server, or set DATA_DIR to another folder.",
            id="monitor.E001",
        )
    ]


@register(Tags.files)
def usage_json_exists(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """A missing file at the default place is the common case: nothing to import."""
    default = settings.DATA_DIR / "usage.json"
    if default == settings.USAGE_JSON or settings.USAGE_JSON.is_file():
        return []
    return [
        Warning(
            f"USAGE_JSON names {settings.USAGE_JSON}, which is not a file.",
            hint="Correct the path, or unset it if there is nothing to import.",
            id="monitor.W001",
        )
    ]


@register(Tags.files)
def price_file_is_read(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    try:
        pricing.tables(settings.PRICES_CSV)
    except ImproperlyConfigured as fault:
        hint = "Correct the file that PRICES_CSV names, or unset it."
        return [Error(str(fault), hint=hint, id="monitor.E002")]
    return []


@register(Tags.security)
def debug_stays_at_home(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Said at each start, not with --deploy alone: its pages show settings and source."""
    if not settings.DEBUG or set(settings.ALLOWED_HOSTS) <= LOCAL_HOSTS:
        return []
    return [
        Warning(
            "DEBUG is on while ALLOWED_HOSTS lets other machines in.",
            hint="Unset DEBUG, or take the public names out of ALLOWED_HOSTS.",
            id="monitor.W002",
        )
    ]
