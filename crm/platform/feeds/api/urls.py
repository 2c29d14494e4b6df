from django.urls import path

from crm.platform.feeds.api import views

urlpatterns = [
    path("<str:feed>/batches", views.Batches.as_view(), name="api-batches"),
    path("<str:feed>/batches/<str:number>", views.BatchDetail.as_view(), name="api-batch"),
    path("<str:feed>/batches/<str:number>/rejects", views.Rejects.as_view(), name="api-rejects"),
]
