"""What others may ask about the demo operator."""

from typing import Any

from customers.demo.models import DemoOperator, DemoState


def demo_facts() -> dict[str, Any] | None:
    """
    Return what the command answered when the demo operator was made, or None without one.

    `best_auc` is how well the mechanism's own probability ranks the lines by who left in the
    last month, seen from the day before it: no model can be expected to do better on that
    month. `label_windows` has the same for the last two months too.
    """
    found = DemoOperator.objects.filter(state=DemoState.READY).first()
    return found.facts if found else None
