from importlib import import_module

from django.apps import AppConfig

_FACE_TO_FACE = [
    "customers.view_customer",
    "customers.search_customer",
    "customers.search_customer_by_name",
    "customers.view_bill",
]

_SHOW = [*_FACE_TO_FACE, "customers.unmask_contact"]


class CustomersConfig(AppConfig):
    name = "customers"
    role_permissions = {
        "clerk": _SHOW,
        "hallmanager": _SHOW,
        "agent": _SHOW,
        "teamlead": _SHOW,
        "accountmanager": _SHOW,
        "dispatcher": _SHOW,
        "auditor": _FACE_TO_FACE,
        "manager": _FACE_TO_FACE,
    }

    def ready(self) -> None:
        # Its feeds build on the models, which are not there before this moment.
        import_module("customers.feeds.catalogue")
