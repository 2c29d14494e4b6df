from django.urls import path

from crm.platform.audit import views

app_name = "audit"
urlpatterns = [path("audit/", views.index, name="index")]
