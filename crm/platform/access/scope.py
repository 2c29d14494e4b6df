"""Whom a staff account may see. Every door loads persons through these."""

from functools import cached_property
from typing import TYPE_CHECKING

from django.db.models import Q

from crm.platform.access.models import OrgLevel, OrgUnit, Reach, Role

if TYPE_CHECKING:
    from crm.platform.access.models import Staff

_WIDTH = [Reach.NONE, Reach.ASSIGNED, Reach.UNIT, Reach.CITY, Reach.PROVINCE]
_TOP = {Reach.CITY: OrgLevel.CITY, Reach.PROVINCE: OrgLevel.PROVINCE}


class Scope:
    """
    The persons within a staff account's reach: the widest of its roles decides.

    A superuser gets no person by virtue of being one; nor does an inactive account.
    """

    def __init__(self, staff: "Staff") -> None:
        self.staff = staff

    @cached_property
    def reach(self) -> Reach:
        if not getattr(self.staff, "is_active", False):
            return Reach.NONE
        reaches = getattr(self.staff, "_reaches", None)  # read with the permissions
        if reaches is None:
            reaches = Role.objects.filter(group__user=self.staff).values_list("reach", flat=True)
        return max((Reach(r) for r in reaches), key=_WIDTH.index, default=Reach.NONE)

    @cached_property
    def root(self) -> OrgUnit | None:
        """The unit whose whole subtree is within reach, if any."""
        unit = self.staff.org
        if unit is None or self.reach in (Reach.NONE, Reach.ASSIGNED):
            return None
        top = _TOP.get(self.reach)
        while top and unit.level != top and unit.parent is not None:
            unit = unit.parent
        return unit

    @property
    def key(self) -> tuple[object, ...]:
        """What decides the reach: two accounts with the same key see the same persons."""
        if self.reach == Reach.ASSIGNED:
            return self.reach, self.staff.pk
        return self.reach, self.root.path if self.root else ""

    def org_filter(self, org: str = "home_org") -> Q:
        """
        A condition on an org column: the subtree of `root`, and the units above it, because
        what is kept at province level belongs to every hall. Matches nothing without a root.
        """
        if self.root is None:
            return Q(pk__in=[])
        codes = self.root.path.rstrip("/").split("/")
        above = ["/".join(codes[: n + 1]) + "/" for n in range(len(codes) - 1)]
        units = OrgUnit.objects.filter(Q(path__startswith=self.root.path) | Q(path__in=above))
        return Q(**{f"{org}__in": units.values("pk")})


def scope_of(staff: "Staff") -> Scope:
    """Return the account's scope, computed once per request (kept on the account object)."""
    kept: Scope | None = staff.__dict__.get("scope")
    if kept is None:
        kept = staff.__dict__["scope"] = Scope(staff)
    return kept
