from importlib import import_module

from django.apps import AppConfig

_FACE_TO_FACE = [
    "customers.view_customer",
    "customers.search_customer",
    "customers.search_customer_by_name",
    "customers.view_bill",
]


class CustomersConfig(AppConfig):
    name = "customers"
    role_permissions = {
        "clerk": _FACE_TO_FACE,
        "hallmanager": _FACE_TO_FACE,
        "agent": _FACE_TO_FACE,
        "teamlead": _FACE_TO_FACE,
        "accountmanager": _FACE_TO_FACE,
        "dispatcher": _FACE_TO_FACE,
        "auditor": _FACE_TO_FACE,
        "manager": _FACE_TO_FACE,
    }

    def ready(self) -> None:
        # Its feeds build on the models, which are not there before this moment.
        import_module("customers.feeds.catalogue")
