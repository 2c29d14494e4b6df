"""What every operation of the OpenAPI description shares: the shape of its errors."""

from typing import Any

from crm.platform.api.authentication import SystemScheme

__all__ = ["SystemScheme", "add_errors"]

ERROR = {
    "type": "object",
    "required": ["code", "reason", "message", "status", "details"],
    "properties": {
        "code": {"type": "string", "description": "The failing rule, for programs. Stable."},
        "reason": {"type": "string", "description": "A sentence for people."},
        "message": {"type": "string", "description": "The sentence, and what would help."},
        "status": {"type": "string", "description": "The HTTP status."},
        "details": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {
                    "field": {"type": "string"},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                    "remedy": {"type": "string"},
                },
            },
        },
    },
}
EVERYWHERE = {
    "400": "The request is malformed.",
    "401": "Nobody known.",
    "403": "Not allowed to this account or token.",
    "429": "Too many calls; see Retry-After.",
}
BY_METHOD = {"post": {"409": "Refused by a rule.", "415": "Not JSON."}}
METHODS = {"get", "post", "put", "patch", "delete"}


def add_errors(result: dict[str, Any], **_hook: Any) -> dict[str, Any]:
    """drf-spectacular's hook: give every operation the error answers it may make."""
    result.setdefault("components", {}).setdefault("schemas", {})["Error"] = ERROR
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            if method not in METHODS:
                continue
            answers = EVERYWHERE | BY_METHOD.get(method, {})
            if "{" in path:
                answers = answers | {"404": "Nothing of that name within reach."}
            for status, said in answers.items():
                operation["responses"].setdefault(status, {"description": said, "content": content})
    return result
