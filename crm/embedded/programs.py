"""The command lines of everything the supervisor starts."""

import multiprocessing
import os
import shutil
import signal
import sys

from crm.celery import QUEUES
from crm.embedded.children import Child, say
from crm.embedded.configuration import CHECKOUT, Configuration
from crm.embedded.leftovers import MARK
from crm.embedded.postgres import Postgres
from crm.embedded.servers import Servers

PAGE_STATEMENT_TIMEOUT_SECONDS = 30
WEB_THREADS = 8
ACCESS_LINE = '%(time)s %(addr)s "%(method)s %(path)s" %(status)d %(dt_ms).1f ms'


def environment(configuration: Configuration) -> dict[str, str]:
    """Return the environment of the children; the mark in it lets a later run find them."""
    ours = {
        "CRM_VAR": str(configuration.folder.root),
        "DJANGO_SETTINGS_MODULE": "crm.settings",
        "PYTHONUNBUFFERED": "1",
        MARK: str(configuration.folder.root),
    }
    return dict(os.environ) | ours


def servers(of: Servers) -> list[Child]:
    """Return PostgreSQL and Redis as children."""
    children = []
    for name, server in of.each():
        postgres = isinstance(server, Postgres)
        children.append(
            Child(
                name=name,
                command=server.command(),
                log=of.folder.logs / f"{name}.log",
                before=server.prepare,
                account=server.account if isinstance(server, Postgres) else None,
                ends_on=signal.SIGINT if postgres else signal.SIGTERM,
                dies_with=signal.SIGINT if postgres else signal.SIGTERM,
            )
        )
    return children


def prepare(configuration: Configuration) -> list[str]:
    """Return the command that brings database and files up to date."""
    customers = str(configuration.demo_customers)
    return [sys.executable, str(CHECKOUT / "manage.py"), "prepare", "--customers", customers]


def programs(configuration: Configuration) -> list[Child]:
    """Return web, workers and beat."""
    children = [_web(configuration)]
    children += [_worker(configuration, queue) for queue in QUEUES]
    children.append(_beat(configuration))
    return children


def _web(configuration: Configuration) -> Child:
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "crm.asgi:application"]
    command += ["--host", configuration.host, "--port", str(configuration.port)]
    command += ["--workers", str(configuration.web_workers), "--respawn-failed-workers"]
    command += ["--workers-kill-timeout", "5", "--no-ws", "--log-level", "warning"]
    command += ["--access-log", "--access-log-fmt", ACCESS_LINE]
    command += ["--log-config", str(CHECKOUT / "crm" / "embedded" / "web_log.json")]
    limits = {"STATEMENT_TIMEOUT": str(PAGE_STATEMENT_TIMEOUT_SECONDS)}
    metrics = configuration.folder.root / "metrics"

    def forget_old_counts() -> None:
        shutil.rmtree(metrics, ignore_errors=True)
        metrics.mkdir()

    return Child(
        name="web",
        command=command,
        log=configuration.folder.logs / "web.log",
        before=forget_old_counts,
        environment=limits
        | environment(configuration)
        | {"PROMETHEUS_MULTIPROC_DIR": str(metrics), "WEB_THREADS": str(WEB_THREADS)},
    )


def _worker(configuration: Configuration, queue: str) -> Child:
    command = [sys.executable, "-m", "celery", "-A", "crm", "worker", "-Q", queue]
    command += ["-n", f"{queue}@{configuration.port}", "-c", str(configuration.workers)]
    command += ["--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
    if not _machine_has_semaphores():
        say(f"This machine has no usable /dev/shm, so worker-{queue} runs its tasks in threads.")
        command += ["--pool", "threads"]
    return Child(
        name=f"worker-{queue}",
        command=command,
        log=configuration.folder.logs / f"worker-{queue}.log",
        environment=environment(configuration),
        hurried_on=signal.SIGQUIT,  # five seconds more, then its tasks go back to the queue
    )


def _machine_has_semaphores() -> bool:
    """Whether processes can share a lock, as the worker's pool of processes has to."""
    try:
        multiprocessing.Lock()
    except OSError:
        return False
    return True


def _beat(configuration: Configuration) -> Child:
    schedule = configuration.folder.root / "beat-schedule"
    command = [sys.executable, "-m", "celery", "-A", "crm", "beat", "--pidfile", ""]
    command += ["--schedule", str(schedule), "--loglevel", "WARNING"]
    return Child(
        name="beat",
        command=command,
        log=configuration.folder.logs / "beat.log",
        environment=environment(configuration),
    )
