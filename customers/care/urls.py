from django.urls import path

from customers.care import api, views

app_name = "care"
_API = "api/v1/customers/<str:number>"
urlpatterns = [
    path("customers/due/", views.due, name="due"),
    path("customers/<str:number>/completeness/", views.completeness, name="completeness"),
    path("customers/<str:number>/correct/", views.correct, name="correct"),
    path(f"{_API}/completeness", api.CompletenessView.as_view(), name="api-completeness"),
    path(f"{_API}/corrections", api.Corrections.as_view(), name="api-corrections"),
]
