import pytest

from analytics.churn import estimator

_WHOLE = dict(estimator.PARAMETERS)


@pytest.fixture(autouse=True)
def few_trees(monkeypatch):
    """The tests are about what surrounds the trees; thirty of them show it as well as 400."""
    monkeypatch.setitem(estimator.PARAMETERS, "n_estimators", 30)
    monkeypatch.setitem(estimator.PARAMETERS, "learning_rate", 0.3)


@pytest.fixture
def all_trees(few_trees, monkeypatch):
    for name, value in _WHOLE.items():
        monkeypatch.setitem(estimator.PARAMETERS, name, value)
