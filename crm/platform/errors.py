from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """One failing rule: its stable code, the sentence a user reads, and what would fix it."""

    code: str
    message: str
    remedy: str = ""
    field: str = ""


class DomainError(Exception):
    """
    Something the business refuses to do. The message is fit to show to a user.

    `refusals` carries every failing rule when there is more than one; REST answers 409 with
    `code` and the refusals as details.
    """

    code = "refused"

    def __init__(self, message: str, *, code: str = "", refusals: Sequence[Refusal] = ()) -> None:
        super().__init__(message)
        self.code = code or type(self).code
        self.refusals = tuple(refusals)
