from django.urls import path

from analytics.dashboards import views as dashboards
from analytics.model_pages import views as models

app_name = "analytics"
urlpatterns = [
    path("dashboards/", dashboards.dashboards, name="dashboards"),
    path("dashboards/refresh/", dashboards.refresh, name="dashboards-refresh"),
    path("dashboards/<slug:code>/rows/", dashboards.rows, name="dashboard-rows"),
    path("models/", models.index, name="models"),
    path("models/train/", models.train, name="model-train"),
    path("models/<slug:version>/", models.model, name="model"),
    path("models/<slug:version>/score/", models.score, name="model-score"),
    path("models/<slug:version>/activate/", models.activate, name="model-activate"),
    path("models/<slug:version>/retire/", models.retire, name="model-retire"),
]
