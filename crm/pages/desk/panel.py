from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise

from crm.platform.access.requests import StaffRequest

Answer = dict[str, Any] | None


@dataclass(frozen=True)
class Panel:
    """
    One part of a desk, shown by `templates/pages/desk/_<code>.html`.

    `ask` answers what the template needs, or None where there is nothing to show at all.
    """

    code: str
    title: str | Promise
    ask: Callable[[StaffRequest, datetime], Answer]
    permission: str = ""

    @property
    def template(self) -> str:
        return f"pages/desk/_{self.code}.html"
