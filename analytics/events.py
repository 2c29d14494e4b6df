"""What happens here."""

CHURN_SCORED = "analytics.churn.scored"
MODEL_ACTIVATED = "analytics.model.activated"
MODEL_RETIRED = "analytics.model.retired"
