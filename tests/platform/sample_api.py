"""A small REST of its own, mounted beside the product's, for tests of what all of REST shares."""

import time
from typing import Any
from uuid import uuid4

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.platform.access.models import OrgUnit
from crm.platform.api.idempotency import IdempotentMixin
from crm.platform.api.permissions import requires
from crm.platform.errors import DomainError, Refusal
from crm.urls import handler400, handler403, handler404, handler500, urlpatterns

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


class LineSerializer(serializers.Serializer[Any]):
    price = serializers.IntegerField(min_value=0)


class OrderSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=10)
    lines = LineSerializer(many=True)


class UnitSerializer(serializers.ModelSerializer[OrgUnit]):
    class Meta:
        model = OrgUnit
        fields = ["code", "name"]


class Orders(APIView):
    permission_classes = [requires("access.view_orgunit")]

    def get(self, request: Request) -> Response:
        return Response({"as": request.user.staff_code})

    def post(self, request: Request) -> Response:
        order = OrderSerializer(data=request.data)
        order.is_valid(raise_exception=True)
        return Response(order.validated_data, status=201)


class Refusing(APIView):
    def get(self, request: Request) -> Response:
        raise DomainError(
            "The line is not active.",
            code="line_not_active",
            refusals=[
                Refusal("owes", "84.20 is owed.", remedy="Take the payment.", field="account")
            ],
        )


class Broken(APIView):
    permission_classes = [AllowAny]

    def get(self, request: Request) -> Response:
        raise RuntimeError("secret 13800138000")


class Storing(APIView):
    """Puts what it is given into SQL without a look."""

    permission_classes = [AllowAny]

    def post(self, request: Request) -> Response:
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s::bigint, %s::text", [request.data["n"], request.data["s"]])
        return Response()


class Missing(APIView):
    def get(self, request: Request, number: str) -> Response:
        get_object_or_404(OrgUnit, code=number)
        return Response()


class Units(ListAPIView[OrgUnit]):
    permission_classes = [requires("access.view_orgunit")]
    serializer_class = UnitSerializer
    queryset = OrgUnit.objects.all()
    ordering = ("-created_at", "-id")


class Making(IdempotentMixin, APIView):
    """Makes a unit; then does as told."""

    def post(self, request: Request) -> Response:
        data = request.data
        code = f"M{uuid4().hex[:16]}"
        unit = OrgUnit.objects.create(code=code, name=data["name"], level="PROVINCE")
        time.sleep(data.get("seconds", 0))
        if data.get("then") == "refuse":
            raise DomainError("Not today.")
        if data.get("then") == "break":
            raise RuntimeError("broken")
        if data.get("then") == "not_valid":
            raise serializers.ValidationError({"name": "No."})
        return Response({"code": unit.code}, status=201, headers={"Location": f"/u/{unit.pk}"})


class Unprotected(Making):
    """The control: the same without the mixin's care."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        APIView.initial(self, request, *args, **kwargs)


class Insisting(Making):
    idempotency_required = True


def page(request: HttpRequest) -> HttpResponse:
    """A page, not REST, that believes what it is sent."""
    OrgUnit.objects.filter(name=request.POST.get("name", request.GET.get("name", ""))).exists()
    return HttpResponse("fine")


urlpatterns = [
    *urlpatterns,
    path("api/v1/sample/orders/", Orders.as_view()),
    path("api/v1/sample/refusing/", Refusing.as_view()),
    path("api/v1/sample/broken/", Broken.as_view()),
    path("api/v1/sample/storing/", Storing.as_view()),
    path("api/v1/sample/missing/<str:number>/", Missing.as_view(), name="sample-missing"),
    path("api/v1/sample/units/", Units.as_view()),
    path("api/v1/sample/making/", Making.as_view()),
    path("api/v1/sample/unprotected/", Unprotected.as_view()),
    path("api/v1/sample/insisting/", Insisting.as_view()),
    path("sample/page/", page),
]
