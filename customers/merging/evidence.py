"""
What makes two records look like one, and how much each counts.

| Evidence | Points | What it means |
| --- | --- | --- |
| identity | 70 | the same document number (by its keyed hash), verified or not |
| phone | 30 | a current phone number, of a line or a contact |
| name | 20 | the same name |
| like_name | 15 | another name of the same reading (张伟, 章伟) |
| address | 20 | the same current address |
| birth_date | 15 | the same birth date |

The score is the sum, at most 100. A pair is a candidate when it shares a document or a phone,
or a name of one reading together with an address or a birth date (domain rule: the document is
the key, name with phone and birth date the soft match).
"""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

POINTS = {
    "identity": 70,
    "phone": 30,
    "name": 20,
    "like_name": 15,
    "address": 20,
    "birth_date": 15,
}
LABELS: dict[str, str | Promise] = {
    "identity": _("Same document"),
    "phone": _("Same phone"),
    "name": _("Same name"),
    "like_name": _("Name sounds the same"),
    "address": _("Same address"),
    "birth_date": _("Same birth date"),
}
SHARED_BY_MOST = 20
"""A number, an address or a name with birth date that more customers share is a hotline, a
dormitory or a placeholder: it tells nothing of two of them, and is passed over and counted."""


def score_of(evidence: Mapping[str, int]) -> int:
    """Return the score of a pair that shares this, 0 to 100."""
    return min(100, sum(points for kind, points in POINTS.items() if evidence.get(kind)))
