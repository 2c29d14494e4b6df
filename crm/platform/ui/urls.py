from django.contrib.auth.views import LogoutView
from django.urls import path

from crm.platform.ui import views

urlpatterns = [
    path("login/", views.Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("language/", views.language, name="language"),
    path("running/", views.running, name="running"),
]
