from django.urls import path

from customers.api.views import ListOfRows, OneRow
from customers.models import ListKind
from customers.views import bulk, exports, lists, saved_views

app_name = "customers"
urlpatterns = [
    path("customers/", lists.customers, name="customers"),
    path("subscribers/", lists.subscribers, name="subscribers"),
    path("accounts/", lists.accounts, name="accounts"),
    path("lists/views/<int:view_id>/", saved_views.view, name="view"),
    path("lists/views/<int:view_id>/delete/", saved_views.delete, name="view-delete"),
    path("lists/views/<int:view_id>/default/", saved_views.default, name="view-default"),
    path("lists/customers/bulk/", bulk.new, name="bulk-new"),
    path("lists/bulk/<uuid:bulk_id>/", bulk.bulk, name="bulk"),
    path("lists/bulk/<uuid:bulk_id>/undo/", bulk.undo, name="bulk-undo"),
    path("lists/exports/<uuid:export_id>/", exports.export, name="export"),
    path("lists/exports/<uuid:export_id>/file/", exports.file, name="export-file"),
]
_OF_EACH = (
    ("count/", lists.count, "count"),
    ("views/", lists.view_tabs, "views"),
    ("views/new/", saved_views.new, "view-new"),
    ("export/", exports.new, "export-new"),
)
for kind in ListKind:
    for part, view, name in _OF_EACH:
        where = f"lists/{kind.value}/{part}"
        urlpatterns.append(path(where, view, {"kind": kind}, name=f"{kind.value}-{name}"))
    whole, one = ListOfRows.as_view(kind=kind), OneRow.as_view(kind=kind)
    urlpatterns += [
        path(f"api/v1/{kind.value}", whole, name=f"api-{kind.value}"),
        path(f"api/v1/{kind.value}/<str:number>", one, name=f"api-{kind.value}-one"),
    ]
