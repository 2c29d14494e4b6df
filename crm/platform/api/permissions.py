"""Who may call what: one permission name for pages and REST, and a scope for tokens."""

from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

if TYPE_CHECKING:
    from rest_framework.views import APIView


def requires(permission: str, *, scope: str = "") -> type[BasePermission]:
    """
    Return a permission class: the account has `permission`, and a token also carries a scope.

    The scope is `<app>:read` or `<app>:write` after the permission's app and the method, if
    none is named. A session of a member of staff needs no scope.
    """
    resource = permission.partition(".")[0]

    class Requires(BasePermission):
        def has_permission(self, request: Request, view: "APIView") -> bool:
            if not request.user.is_authenticated or not request.user.has_perm(permission):
                return False
            if request.auth is None:
                return True
            verb = "read" if request.method in SAFE_METHODS else "write"
            return (scope or f"{resource}:{verb}") in getattr(request.auth, "scope", "").split()

    return Requires


class MayReadSchema(BasePermission):
    """Everybody on the demo; those who are known in a deployment."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return settings.EMBEDDED or bool(request.user.is_authenticated)
