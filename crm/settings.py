"""
Settings of the CRM. Everything that differs between two installations comes from the
environment; README.md "Settings" lists it all in one table.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import drf_spectacular_sidecar
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _
from redis.backoff import NoBackoff
from redis.retry import Retry

from crm import environment
from crm.celery import QUEUES as QUEUES
from crm.embedded.folder import DataFolder

BASE_DIR = Path(__file__).resolve().parent.parent
CRM_VAR = DataFolder(environment.folder("CRM_VAR", BASE_DIR / "var"))

# Without DATABASE_URL this is the embedded stack on one machine, with its demo operator.
EMBEDDED = "DATABASE_URL" not in os.environ
DEBUG = environment.flag("DEBUG", False)

if EMBEDDED:
    SECRET_KEY = environment.text("SECRET_KEY", "") or CRM_VAR.secret("secret-key")
    FIELD_KEYS = environment.words("FIELD_KEYS", "") or [CRM_VAR.secret("field-key")]
    HASH_KEY = environment.text("HASH_KEY", "") or CRM_VAR.secret("hash-key")
else:
    SECRET_KEY = environment.secret("SECRET_KEY")
    FIELD_KEYS = environment.secrets("FIELD_KEYS")
    HASH_KEY = environment.secret("HASH_KEY")
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", "*" if EMBEDDED else "localhost")
ALLOWED_HOSTS += ["127.0.0.1"]  # a container that asks itself whether it lives
CSRF_TRUSTED_ORIGINS = environment.words("CSRF_TRUSTED_ORIGINS", "")
# Networks of the proxies in front; only their X-Forwarded-For is believed.
TRUSTED_PROXIES = environment.networks("TRUSTED_PROXIES")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "django_htmx",
    "drf_spectacular",
    "oauth2_provider",
    "rest_framework",
    "crm.platform.access",
    "crm.platform.audit",
    "crm.platform.events",
    "crm.platform.jobs",
    "crm.platform.api",
    "crm.embedded",
    "crm.platform.health",
    "crm.platform.ui",
    "crm.platform.feeds",
    "crm.platform.history",
    "customers",
    "customers.demo",
    "analytics",
    "crm.pages",
]

MIDDLEWARE = [
    "crm.platform.request_id.RequestIdMiddleware",
    "crm.platform.health.middleware.count_requests",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "crm.platform.history.middleware.AttributionMiddleware",
    "crm.platform.audit.middleware.DenialMiddleware",
    "crm.platform.readable.ReadableMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "crm.urls"
WSGI_APPLICATION = "crm.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "crm.platform.ui.context.frame",
                "crm.pages.context.desk",
            ],
        },
    }
]

# Databases

STATEMENT_TIMEOUT = environment.whole_number("STATEMENT_TIMEOUT", 0, least=0, most=86_400)


def _database(name: str, url: str) -> dict[str, Any]:
    """Return one connection: kept open by its thread, and looked at before it is used again."""
    connection = environment.postgres(name, url)
    limits = f"-c lock_timeout=10s -c statement_timeout={STATEMENT_TIMEOUT}s"
    connection["OPTIONS"].setdefault("options", limits)
    return connection | {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}


DATABASE_URL = environment.text("DATABASE_URL", CRM_VAR.database_url)
DATABASES = {"default": _database("DATABASE_URL", DATABASE_URL)}
# Reads that may be a moment late say `.using("replica")`; nothing is routed there unasked.
DATABASES["replica"] = _database(
    "DATABASE_REPLICA_URL", environment.text("DATABASE_REPLICA_URL", DATABASE_URL)
) | {"TEST": {"MIRROR": "default"}}

# Redis: a broker that may not forget, a cache that may

REDIS_URL = environment.redis_url("REDIS_URL", environment.text("REDIS_URL", CRM_VAR.broker_url))
CACHE_URL = environment.redis_url(
    "CACHE_URL",
    environment.text("CACHE_URL", REDIS_URL if "REDIS_URL" in os.environ else CRM_VAR.cache_url),
)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": CACHE_URL,
        "KEY_PREFIX": "crm",
        "TIMEOUT": 300,
        "OPTIONS": {
            "socket_connect_timeout": 1,
            "socket_timeout": 1,
            "retry": Retry(NoBackoff(), 1),  # the client's own default retries for seconds
        },
    }
}

# Background work. Redis delivers at least once and may deliver twice; tasks are written for that.

TASK_SECONDS = environment.whole_number("TASK_SECONDS", 3600, least=60, most=86_400)
_REDELIVER = {"visibility_timeout": 2 * TASK_SECONDS + 600}
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://").replace(
    "?db=", "?virtual_host="
)
CELERY_BROKER_TRANSPORT_OPTIONS = _REDELIVER
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = _REDELIVER
CELERY_VISIBILITY_TIMEOUT = _REDELIVER["visibility_timeout"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = TASK_SECONDS
CELERY_TASK_DEFAULT_QUEUE = "interactive"
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_TASK_ROUTES: dict[str, dict[str, str]] = {}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 5.0
CELERY_WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE = True
CELERY_WORKER_ETA_TASK_LIMIT = 1000
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
# Every entry is safe to run twice at once and late: beat promises neither.
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    f"sign of life: {queue}": {
        "task": "platform.sign_of_life",
        "schedule": 15.0,
        "options": {"queue": queue, "expires": 15},
    }
    for queue in QUEUES
} | {
    "overdue deliveries": {"task": "events.deliver_overdue", "schedule": 20.0},
    "lost jobs": {"task": "jobs.sweep", "schedule": 20.0},
    "next months": {"task": "platform.ensure_partitions", "schedule": timedelta(hours=1)},
    "uploaded files": {"task": "feeds.forget_files", "schedule": timedelta(hours=6)},
    "exported files": {"task": "customers.forget_exports", "schedule": timedelta(hours=1)},
    "expired keys and tokens": {"task": "api.forget_expired", "schedule": timedelta(hours=1)},
    "dashboard figures": {"task": "analytics.count_metrics", "schedule": timedelta(hours=6)},
    "old deliveries": {"task": "events.forget_done", "schedule": timedelta(hours=6)},
}

# Feeds

FEED_CHUNK_ROWS = environment.whole_number("FEED_CHUNK_ROWS", 250_000, least=1000, most=10_000_000)
FEED_LATE_MONTHS = environment.whole_number("FEED_LATE_MONTHS", 3, least=0, most=1200)
FEED_MOST_BYTES = (
    environment.whole_number("FEED_MOST_MEGABYTES", 20_480, least=1, most=1_000_000) << 20
)
FEED_KEEP_DAYS = environment.whole_number("FEED_KEEP_DAYS", 30, least=1, most=36_500)
# Over HTTP: what comes in by the command may be larger.
FEED_UPLOAD_LIMIT = (
    environment.whole_number("FEED_UPLOAD_MEGABYTES", 2048, least=1, most=1_000_000) << 20
)

# Languages and time

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = environment.time_zone("TIME_ZONE", "Asia/Shanghai")
USE_TZ = True

# Static files: ours, and the front-end packages of package-lock.json

STATIC_URL = "/static/"
STATIC_ROOT = environment.folder("STATIC_ROOT", CRM_VAR.static)
STATICFILES_DIRS: list[Path | tuple[str, Path]] = [BASE_DIR / "crm" / "static"]
STATICFILES_DIRS += [
    (prefix, BASE_DIR / "node_modules" / package)
    for prefix, package in (
        ("vendor/tabler", "@tabler/core/dist"),
        ("vendor/tabler-icons", "@tabler/icons-webfont/dist"),
        ("vendor/htmx", "htmx.org/dist"),
        ("vendor/htmx-sse", "htmx-ext-sse/dist"),
        ("vendor/echarts", "echarts/dist"),
    )
    if (BASE_DIR / "node_modules" / package).is_dir()
]
_SWAGGER_UI = Path(drf_spectacular_sidecar.__file__).parent / "static/drf_spectacular_sidecar"
STATICFILES_DIRS += [("vendor/swagger-ui", _SWAGGER_UI / "swagger-ui-dist")]
# Of those packages, the files that pages name (and the maps and fonts that these name).
VENDOR_FILES = [
    "vendor/tabler/css/tabler.min.css*",
    "vendor/tabler/css/tabler-vendors.min.css*",
    "vendor/tabler/css/tabler-themes.min.css*",
    "vendor/tabler/js/tabler.min.js*",
    "vendor/tabler/js/tabler-theme.min.js*",
    "vendor/tabler-icons/tabler-icons.min.css",
    "vendor/tabler-icons/fonts/tabler-icons.*",
    "vendor/htmx/htmx.min.js",
    "vendor/htmx-sse/sse.min.js",
    "vendor/echarts/echarts.common.min.js",
    "vendor/swagger-ui/favicon-32x32.png",
    "vendor/swagger-ui/swagger-ui-bundle.js*",
    "vendor/swagger-ui/swagger-ui-standalone-preset.js*",
    "vendor/swagger-ui/swagger-ui.css*",
]
STATICFILES_FINDERS = [
    "crm.static_files.VendorFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
MEDIA_ROOT = CRM_VAR.root / "files"
FILE_UPLOAD_HANDLERS = ["crm.platform.readable.RefuseFiles"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

# Who comes in

AUTH_USER_MODEL = "access.Staff"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "crm.platform.access.backends.StaffBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = LOGIN_URL
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
# The log-in form's name for it; the model's own name would lock nobody out.
AXES_USERNAME_FORM_FIELD = "username"
AXES_LOCKOUT_CALLABLE = "crm.platform.ui.views.locked_out"
SESSION_ENGINE = "crm.platform.access.sessions"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True

# What browsers are told

HTTPS = environment.flag("HTTPS", not EMBEDDED)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "__Host-crm-session" if HTTPS else "crm-session"
CSRF_COOKIE_NAME = "__Host-crm-csrf" if HTTPS else "crm-csrf"
LANGUAGE_COOKIE_NAME = "__Host-crm-language" if HTTPS else "crm-language"
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF, "'unsafe-inline'"],
        "img-src": [SELF, "data:"],
        "font-src": [SELF, "data:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# REST

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "crm.platform.api.authentication.SystemAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": ["crm.platform.api.throttling.CallerThrottle"],
    "DEFAULT_PARSER_CLASSES": ["crm.platform.api.codec.JsonParser"],
    "DEFAULT_RENDERER_CLASSES": ["crm.platform.api.codec.JsonRenderer"],
    "DEFAULT_PAGINATION_CLASS": "crm.platform.api.paging.KeysetPagination",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "crm.platform.api.errors.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Telecom CRM",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["crm.platform.api.permissions.MayReadSchema"],
    "SCHEMA_PATH_PREFIX": r"/(api/v1|tmf-api/[^/]+/v[0-9]+)",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {  # several rooms have a status, a channel and a purpose
        "BatchStatusEnum": "crm.platform.feeds.models.BatchStatus",
        "CandidateStatusEnum": "customers.models.merging.CandidateStatus",
        "ConsentChannelEnum": "customers.models.consent.ContactChannel",
        "ConsentPurposeEnum": "customers.models.consent.ConsentPurpose",
        "ConsentStateEnum": "customers.models.consent.ConsentState",
        "InteractionChannelEnum": "customers.models.interaction.Channel",
        "InteractionPurposeEnum": "customers.models.interaction.Purpose",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "crm.platform.api.schema.add_errors",
    ],
}

# Systems come in by client credentials alone; every advice of RFC 9700 is taken.
OAUTH2_PROVIDER_APPLICATION_MODEL = "oauth2_provider.Application"  # migrations name it
OAUTH2_PROVIDER: dict[str, Any] = {
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    "OAUTH2_SERVER_CLASS": "oauthlib.oauth2.BackendApplicationServer",
    "OAUTH2_BACKEND_CLASS": "crm.platform.api.authentication.TextHeaders",
    "SCOPES_BACKEND_CLASS": "crm.platform.api.scopes.ClientScopes",
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
} | {
    f"COMPLIANT_BCP_RFC9700_{advice}": True
    for advice in (
        "IMPLICIT_GRANT",
        "PASSWORD_GRANT",
        "PKCE_METHOD",
        "ACCESS_TOKEN_TRANSPORT",
        "AUTHZ_RESPONSE_ISS",
        "TOKEN_STORAGE",
        "REFRESH_TOKEN",
        "REDIRECT_URI_SCHEME",
        "REDIRECT_URI_MATCHING",
        "PKCE_REQUIRED",
    )
}

METRICS_TOKEN = environment.text("METRICS_TOKEN", "")

LOG_LEVEL = environment.one_of("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "crm.platform.request_id.RequestIdFilter"}},
    "formatters": {"json": {"()": "crm.platform.health.logs.JsonLine"}},
    "handlers": {
        # Standard output is for what a command answers.
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "json",
            "filters": ["request_id"],
        }
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    # A client's mistake (4xx) is counted in the metrics; here it would drown what is ours.
    "loggers": {"django.request": {"level": "ERROR"}},
}
