from analytics.models.churn_model import (
    ChurnModel,
    IllegalMove,
    ModelStatus,
    ScoringRun,
    version_of,
)
from analytics.models.metric import MetricValue

__all__ = ["ChurnModel", "IllegalMove", "MetricValue", "ModelStatus", "ScoringRun", "version_of"]
