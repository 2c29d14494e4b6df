"""The chunks made one after another, or by several processes at once."""

import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from threading import Thread

from django.db import connections, transaction

from customers.demo.lock import join_as_worker
from customers.demo.people import Where
from customers.demo.story import tables, tell
from customers.demo.structure import Chunk
from customers.demo.truth import LABEL_MONTHS, Window, window

WATCH_SECONDS = 0.5


@dataclass(frozen=True)
class Made:
    """What became of one chunk: rows by table, lines that ended, and the label windows."""

    customers: int
    rows: Counter[str]
    ended: int
    complaints: int
    windows: dict[int, Window]


def make(chunk: Chunk, where: Where) -> Made:
    """Make up one chunk and write it, in one transaction."""
    story = tell(chunk, where)
    rows: Counter[str] = Counter()
    with transaction.atomic():
        for table in tables(story):
            table.copy()
            rows[table.table] += table.rows
    windows = {
        months: window(chunk, story.lines, story.life, months=months)
        for months in range(1, LABEL_MONTHS + 1)
    }
    ended = sum(reason != "" for reason in story.endings.reason)
    return Made(chunk.customers, rows, ended, int(story.complaints), windows)


def make_all(chunks: list[Chunk], where: Where, *, workers: int) -> Iterator[Made]:
    """Make the chunks, in this process if there is work for one only."""
    if min(workers, len(chunks)) < 2:
        yield from (make(chunk, where) for chunk in chunks)
        return
    with ProcessPoolExecutor(
        min(workers, len(chunks)),
        mp_context=multiprocessing.get_context("fork"),
        initializer=_begin,
        initargs=(os.getpid(),),
    ) as pool:
        jobs = [pool.submit(make, chunk, where) for chunk in chunks]
        try:
            for job in as_completed(jobs):
                yield job.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _begin(builder: int) -> None:
    """Leave the builder's database session alone (closing it here would end it there)."""
    for connection in connections.all(initialized_only=True):
        connection.connection = None
    Thread(target=_follow, args=(builder,), daemon=True).start()
    join_as_worker()


def _follow(builder: int) -> None:
    """
    End at once when the builder has: killed, it could not say so, and a worker that wrote on
    would be in the way of the next run.
    """
    while os.getppid() == builder:
        time.sleep(WATCH_SECONDS)
    os._exit(1)
