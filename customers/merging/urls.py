from django.urls import path

from customers.merging import api, views

app_name = "merging"
urlpatterns = [
    path("duplicates/", views.queue, name="queue"),
    path("duplicates/search/", views.search, name="search"),
    path("duplicates/merges/", views.merges, name="merges"),
    path("duplicates/merges/<int:pk>/undo/", views.undo, name="undo"),
    path("duplicates/<int:pk>/", views.pair, name="pair"),
    path("duplicates/<int:pk>/merge/", views.merge, name="merge"),
    path("duplicates/<int:pk>/reject/", views.reject, name="reject"),
    path("api/v1/duplicates", api.Candidates.as_view(), name="api-candidates"),
    path("api/v1/duplicates/<int:pk>", api.Candidate.as_view(), name="api-candidate"),
    path("api/v1/duplicates/<int:pk>/rejection", api.Rejection.as_view(), name="api-reject"),
    path("api/v1/merges", api.Merges.as_view(), name="api-merges"),
    path("api/v1/merges/<int:pk>/undo", api.Undo.as_view(), name="api-undo"),
]
