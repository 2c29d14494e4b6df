"""From a margin (log-odds) to a probability that means what it says."""

from typing import Any

from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold

from analytics.churn.curve import Array, Curve, sigmoid

FOLDS = 5


def _platt(margins: Array, labels: Array) -> Curve:
    fitted = LogisticRegression(C=1e6).fit(margins.reshape(-1, 1), labels)
    return Curve("platt", slope=float(fitted.coef_[0, 0]), offset=float(fitted.intercept_[0]))


def _isotonic(margins: Array, labels: Array) -> Curve:
    # A step of pure stayers would claim a certainty that a finite sample does not give.
    fitted = IsotonicRegression(y_min=1e-4, y_max=1 - 1e-4, out_of_bounds="clip")
    fitted.fit(margins, labels)
    return Curve("isotonic", knots=fitted.X_thresholds_, heights=fitted.y_thresholds_)


def choose(margins: Array, labels: Array, *, seed: int) -> Curve:
    """
    Return the curve with the least cross-validated log-loss on out-of-fold margins.

    The identity (the margin's own sigmoid) stays unless another is better on rows that it was
    not fitted to: a learner that is calibrated already is not to be bent.
    """
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    losses: dict[str, list[Any]] = {"identity": [], "platt": [], "isotonic": []}
    for fit, check in folds.split(margins, labels):
        rows = len(check)
        losses["identity"].append(rows * log_loss(labels[check], sigmoid(margins[check])))
        for name, method in (("platt", _platt), ("isotonic", _isotonic)):
            curve = method(margins[fit], labels[fit])
            losses[name].append(rows * log_loss(labels[check], curve(margins[check])))
    best = min(losses, key=lambda name: sum(losses[name]))
    if best == "identity":
        return Curve("identity")
    return _platt(margins, labels) if best == "platt" else _isotonic(margins, labels)
