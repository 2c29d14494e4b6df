"""What happens here."""

CHURN_SCORED = "analytics.churn.scored"
