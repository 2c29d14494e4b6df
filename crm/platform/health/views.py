"""What machines ask about us."""

import hmac

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from crm.platform.health import broker, metrics


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """Answer that this process can answer; look at nothing else."""
    return JsonResponse({"status": "live"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Answer whether work sent here would get done; 503 with every reason why not."""
    problems = [*_database_problems(), *_background_problems()]
    status = "not ready" if problems else "ready"
    return JsonResponse({"status": status, "problems": problems}, status=503 if problems else 200)


@require_safe
def scrape(request: HttpRequest) -> HttpResponse:
    """Return the metrics; where `METRICS_TOKEN` is set, to its bearer alone."""
    wanted = f"Bearer {settings.METRICS_TOKEN}"
    if settings.METRICS_TOKEN and not hmac.compare_digest(
        request.headers.get("Authorization", "").encode(), wanted.encode()
    ):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    return HttpResponse(metrics.page(), content_type="text/plain; version=0.0.4; charset=utf-8")


_migrated = False


def _database_problems() -> list[str]:
    global _migrated  # once all are applied, they stay applied while this process lives
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        if not _migrated:
            executor = MigrationExecutor(connection)
            plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
            if plan:
                return [f"{len(plan)} migrations are not applied"]
            _migrated = True
    except DatabaseError:
        return ["the database does not answer"]
    return []


def _background_problems() -> list[str]:
    try:
        silent = broker.silent_queues()
    except redis.RedisError:
        return ["Redis does not answer"]
    return [f"nobody works off the queue {queue}" for queue in silent]
