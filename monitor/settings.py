"""Settings, all from the environment or a .env file; docs/operations.md names each."""

import os
import secrets
import zoneinfo
from contextlib import suppress
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated variable without the blanks around its items."""
    return [word.strip() for word in env.str(name, default=default).split(",") if word.strip()]


def choice(name: str, default: str, allowed: list[str]) -> str:
    """A variable that must be one of `allowed`, in small or capital letters."""
    value: str = env.str(name, default=default).strip().upper()
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} is {value!r}, but must be one of {', '.join(allowed)}.")
    return value


def flag(name: str) -> bool:
    """A switch that is off unless set. Anything but yes or no is an error, not a no."""
    on, off = ["1", "TRUE", "YES", "ON"], ["0", "FALSE", "NO", "OFF"]
    return choice(name, "0", on + off) in on


def zone(name: str) -> str:
    """The name of a time zone that exists."""
    key: str = env.str(name, default="UTC")
    try:
        zoneinfo.ZoneInfo(key)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise ImproperlyConfigured(
            f"{name} is {key!r}, which is no time zone; try a name like Europe/Berlin."
        ) from None
    return key


def folder(name: str, default: Path) -> Path:
    """A folder, made if it is missing."""
    path = Path(env.str(name, default=str(default))).absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"{name} cannot be made: {error}.") from None
    return path


def generated_key(path: Path) -> str:
    """The secret key kept in `path`, made on the first start for its owner's eyes only.

    It is linked into place when complete, so that two first starts at once agree on one key.
    """
    try:
        if not path.exists():
            draft = path.with_name(f"{path.name}.{os.getpid()}")
            with os.fdopen(
                os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w"
            ) as file:
                file.write(secrets.token_urlsafe(64))
            with suppress(FileExistsError):
                path.hardlink_to(draft)
            draft.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"No secret key: {error}. Set SECRET_KEY, or DATA_DIR to a folder you may write in."
        ) from None


def database(name: str, default: str) -> dict[str, Any]:
    """The database of a URL: SQLite or PostgreSQL."""
    if not env.str(name, default=default).startswith(("sqlite:", "postgres:", "postgresql:")):
        raise ImproperlyConfigured(f"{name} must begin with sqlite:/// or postgres://.")
    config: dict[str, Any] = env.db(name, default=default)
    return config


DATA_DIR = folder("DATA_DIR", default=BASE_DIR / "data")
USAGE_JSON = Path(env.str("USAGE_JSON", default=str(DATA_DIR / "usage.json")))
PRICES_CSV = env.str("PRICES_CSV", default="")  # own rows, before those of costs/prices.csv
DOCS_ROOT = words("DOCS_ROOT", default=str(BASE_DIR / "docs"))  # folders of documents

DEBUG = flag("DEBUG")
SECRET_KEY = env.str("SECRET_KEY", default="") or generated_key(DATA_DIR / "secret_key")
ALLOWED_HOSTS = words("ALLOWED_HOSTS", default="localhost,127.0.0.1,[::1]")
if not ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS is empty: nobody could reach the site.")
CSRF_TRUSTED_ORIGINS = words("CSRF_TRUSTED_ORIGINS")
FORWARDED_ALLOW_IPS = words("FORWARDED_ALLOW_IPS", default="127.0.0.1")

# Everything that needs TLS in front hangs on one switch.
HTTPS = flag("HTTPS")
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_AGE = 14 * 24 * 3600
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

INSTALLED_APPS = [
    "monitor",
    "sessions",
    "docsviewer",
    "costs",
    "tasks",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "servestatic",
    "django_htmx",
    "template_partials.apps.SimpleAppConfig",
    "axes",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "monitor.middleware.HtmxAnswers",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
    "monitor.guard.Guard",
]

ROOT_URLCONF = "monitor.urls"
ASGI_APPLICATION = "monitor.asgi.application"
WSGI_APPLICATION = "monitor.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
            "builtins": [
                "django.templatetags.static",
                "django_htmx.templatetags.django_htmx",
                "template_partials.templatetags.partials",
                "monitor.templatetags.formatting",
            ],
        },
    }
]

DATABASES = {"default": database("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'monitor.db'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    SYNCHRONOUS = ["OFF", "NORMAL", "FULL", "EXTRA"]
    DATABASES["default"]["ENGINE"] = "monitor.sqlite"
    DATABASES["default"]["CONN_MAX_AGE"] = None  # with what it has read of the file
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL;"
        f"PRAGMA synchronous={choice('SQLITE_SYNCHRONOUS', 'FULL', SYNCHRONOUS)};"
        "PRAGMA cache_size=-20000; PRAGMA journal_size_limit=27103364;",
    }
else:
    # One to each thread, which is as many as the server has: see docs/adr/0014. The URL may say
    # otherwise: ?conn_max_age=0.
    KEPT: dict[str, Any] = {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}
    DATABASES["default"] = KEPT | DATABASES["default"]
    DATABASES["default"]["OPTIONS"] = {"connect_timeout": 5} | DATABASES["default"].get(
        "OPTIONS", {}
    )
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "dashboard"
LOGOUT_REDIRECT_URL = "login"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 1  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"

LANGUAGE_CODE = "en-us"
USE_I18N = False
USE_TZ = True
TIME_ZONE = zone("TIME_ZONE")  # cuts the day and the month of a limit

# In development and in tests an answer that its route does not document is an error.
DMR_SETTINGS = {"validate_responses": DEBUG}
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 2**20  # bytes; as monitor.bodies.MAX_BODY

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "servestatic.storage.CompressedManifestStaticFilesStorage"},
}
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "django": {"level": "WARNING"},  # drops Django's own handlers: one line a message
        "django.request": {"level": "ERROR"},
        # A foreign Host is answered with 400; scanners would fill the journal.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        "django.utils.autoreload": {"level": "INFO"},  # says that --reload did
    },
}
