from analytics.models.churn_model import (
    ChurnModel,
    IllegalMove,
    ModelStatus,
    ScoringRun,
    version_of,
)

__all__ = ["ChurnModel", "IllegalMove", "ModelStatus", "ScoringRun", "version_of"]
