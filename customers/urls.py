from django.urls import path

from customers.models import ListKind
from customers.views import lists

app_name = "customers"
urlpatterns = [
    path("customers/", lists.customers, name="customers"),
    path("subscribers/", lists.subscribers, name="subscribers"),
    path("accounts/", lists.accounts, name="accounts"),
]
for kind in ListKind:
    urlpatterns += [
        path(f"lists/{kind.value}/count/", lists.count, {"kind": kind}, f"{kind.value}-count"),
        path(f"lists/{kind.value}/views/", lists.view_tabs, {"kind": kind}, f"{kind.value}-views"),
    ]
