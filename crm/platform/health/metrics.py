"""
What Prometheus scrapes: requests counted here, and gauges that other rooms add.

    register_gauge("crm_outbox_due", "Deliveries that are due.", read=count_due)

`read` is called at each scrape and returns a number, or numbers by the value of `label`.
"""

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import REGISTRY as OF_THIS_PROCESS
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

logger = logging.getLogger(__name__)

REQUESTS = Counter("crm_http_requests_total", "Requests answered.", ["method", "view", "status"])
LATENCY = Histogram(
    "crm_http_request_seconds",
    "Seconds from the first middleware to the answer.",
    ["view"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)

Reading = float | Mapping[str, float]


@dataclass(frozen=True)
class Gauge:
    name: str
    description: str
    read: Callable[[], Reading]
    label: str


_gauges: dict[str, Gauge] = {}


def register_gauge(
    name: str, description: str, *, read: Callable[[], Reading], label: str = ""
) -> None:
    """
    Add a gauge to `/metrics`. Call it once, from `AppConfig.ready`.

    :raises ValueError: if the name is taken.
    """
    if name in _gauges:
        raise ValueError(f"the gauge {name} is registered already")
    _gauges[name] = Gauge(name, description, read, label)


class _Gauges:
    """Reads every registered gauge; one that fails is left out and logged, not fatal."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for gauge in _gauges.values():
            try:
                reading = gauge.read()
            except Exception:
                logger.exception("The gauge %s could not be read", gauge.name)
                continue
            labels = [gauge.label] if gauge.label else []
            family = GaugeMetricFamily(gauge.name, gauge.description, labels=labels)
            readings = reading.items() if isinstance(reading, Mapping) else [("", reading)]
            for value, number in readings:
                family.add_metric([value] if labels else [], number)
            yield family


def page() -> bytes:
    """Return all metrics as Prometheus text, those of the other web processes included."""
    registry = CollectorRegistry()
    registry.register(_Gauges())
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)
        return generate_latest(registry)
    return generate_latest(OF_THIS_PROCESS) + generate_latest(registry)
