from django.urls import path

from customers.api import consents, interactions, looks

app_name = "customers-api"
urlpatterns = [
    path("<str:number>/consents", consents.Consents.as_view(), name="consents"),
    path("<str:number>/preferences", consents.Preferences.as_view(), name="preferences"),
    path("<str:number>/timeline", interactions.Timeline.as_view(), name="timeline"),
    path("<str:number>/looks", looks.Looks.as_view(), name="looks"),
]
