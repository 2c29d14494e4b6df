"""What machines ask about us."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe


@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """Answer that this process can answer; look at nothing else."""
    return JsonResponse({"status": "live"})
