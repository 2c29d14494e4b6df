from django.urls import path

from customers.api import consents, looks

app_name = "customers-api"
urlpatterns = [
    path("<str:number>/consents", consents.Consents.as_view(), name="consents"),
    path("<str:number>/preferences", consents.Preferences.as_view(), name="preferences"),
    path("<str:number>/looks", looks.Looks.as_view(), name="looks"),
]
