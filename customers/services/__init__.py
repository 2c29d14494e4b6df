"""What may be written down about customers. One use case is one function and one transaction."""

from customers.services.churn import record_churn_scores

__all__ = ["record_churn_scores"]
