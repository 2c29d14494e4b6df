from django.urls import path

from crm.pages.views import (
    changes,
    consents,
    contact,
    customer,
    desk,
    looks,
    notes,
    search,
    timeline,
    unmask,
)

app_name = "pages"
urlpatterns = [
    path("", desk.home, name="home"),
    path("search/", search.search, name="search"),
    path("customers/<str:number>/", customer.customer, name="customer"),
    path("customers/<str:number>/timeline/", timeline.timeline, name="timeline"),
    path("customers/<str:number>/notes/", notes.write, name="notes"),
    path("customers/<str:number>/notes/<int:pk>/", notes.edit, name="note"),
    path("colleagues/", notes.colleagues, name="colleagues"),
    path("mentions/<int:pk>/seen/", notes.seen, name="mention-seen"),
    path("customers/<str:number>/serve/", contact.serve, name="serve"),
    path("contacts/bar/", contact.bar, name="contact-bar"),
    path("contacts/<uuid:pk>/<slug:act>/", contact.act, name="contact-act"),
    path("customers/<str:number>/lines/", customer.lines, name="lines"),
    path("customers/<str:number>/about/", customer.about, name="about"),
    path("customers/<str:number>/changes/", changes.changes, name="changes"),
    path("customers/<str:number>/consents/", consents.consents, name="consents"),
    path("customers/<str:number>/preferences/", consents.preferences, name="preferences"),
    path("customers/<str:number>/looks/", looks.looks, name="looks"),
    path("customers/<str:number>/looks/export/", looks.export, name="looks-export"),
    path("customers/<str:number>/show/<slug:name>/", unmask.unmask, name="unmask"),
]
