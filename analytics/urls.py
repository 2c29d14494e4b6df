from django.urls import path

from analytics.dashboards import views as dashboards

app_name = "analytics"
urlpatterns = [
    path("dashboards/", dashboards.dashboards, name="dashboards"),
    path("dashboards/refresh/", dashboards.refresh, name="dashboards-refresh"),
    path("dashboards/<slug:code>/rows/", dashboards.rows, name="dashboard-rows"),
]
