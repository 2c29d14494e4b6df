from django.urls import include, path

from crm.platform.feeds import views

app_name = "feeds"
urlpatterns = [
    path("feeds/", views.index, name="index"),
    path("feeds/new/", views.new, name="new"),
    path("feeds/<str:number>/", views.batch, name="batch"),
    path("feeds/<str:number>/mapping/", views.mapping, name="mapping"),
    path("feeds/<str:number>/run/", views.run, name="run"),
    path("feeds/<str:number>/stop/", views.stop, name="stop"),
    path("feeds/<str:number>/again/", views.again, name="again"),
    path("feeds/<str:number>/undo/", views.undo, name="undo"),
    path("feeds/<str:number>/rejects.csv", views.rejects, name="rejects"),
    path("api/v1/feeds/", include("crm.platform.feeds.api.urls")),
]
