"""Panels about what was learned from the data."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest

from analytics.models import ChurnModel

SHOWN = 5


def models(_request: HttpRequest, _at: datetime) -> dict[str, Any]:
    """The newest models, and how good each was on rows it had never seen."""
    newest = ChurnModel.objects.defer("booster", "curves", "features", "importance", "calibration")
    return {"models": newest.order_by("-trained_at", "-pk")[:SHOWN]}
