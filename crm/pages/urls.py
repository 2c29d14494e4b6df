from django.urls import path

from crm.pages.views import changes, customer, desk, search, unmask

app_name = "pages"
urlpatterns = [
    path("", desk.home, name="home"),
    path("search/", search.search, name="search"),
    path("customers/<str:number>/", customer.customer, name="customer"),
    path("customers/<str:number>/contacts/", customer.contacts, name="contacts"),
    path("customers/<str:number>/lines/", customer.lines, name="lines"),
    path("customers/<str:number>/about/", customer.about, name="about"),
    path("customers/<str:number>/changes/", changes.changes, name="changes"),
    path("customers/<str:number>/show/<slug:name>/", unmask.unmask, name="unmask"),
]
