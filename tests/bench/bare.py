"""
The floor under a page: a view that runs the same SQL by hand and writes the answer as JSON.

It has no account, no template, no audit record and no mask. It is served by the same process,
through the same middleware, as the product's page beside which it is measured.
"""

from typing import Any

import orjson
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.utils import timezone

from customers.selectors.history import recent_months
from customers.selectors.listing import RECENT

IN_CITY = """
JOIN customers_customer c ON c.id = k.customer_id
JOIN access_orgunit h ON h.id = c.home_org_id AND (h.path LIKE %(city)s OR h.path = %(province)s)
"""
BY_NUMBER = f"""
SELECT c.number FROM customers_searchkey k {IN_CITY} WHERE k.key = ANY(%(keys)s)
"""
BY_NAME = f"""
SELECT c.number, p.name, c.category, c.status, c.star, h.name,
       (SELECT count(*) FROM customers_subscriber s
        WHERE s.customer_id = c.id AND s.status <> 'TERMINATED'),
       (SELECT i.started_at FROM customers_interaction i
        WHERE i.customer_id = c.id AND i.started_at >= %(since)s AND i.started_at <= %(now)s
        ORDER BY i.started_at DESC LIMIT 1)
FROM (SELECT key, customer_id FROM customers_searchkey
      WHERE key LIKE %(prefix)s ORDER BY key LIMIT 20000) k {IN_CITY}
JOIN customers_party p ON p.id = c.party_id
ORDER BY k.key LIMIT 20
"""
CUSTOMER = """
SELECT c.id, c.party_id, c.number, c.category, c.status, c.star, c.opened_on, c.characteristics,
       p.name, p.kind, p.birth_date, p.sex, p.industry, h.name
FROM customers_customer c JOIN customers_party p ON p.id = c.party_id
JOIN access_orgunit h ON h.id = c.home_org_id AND (h.path LIKE %(city)s OR h.path = %(province)s)
WHERE c.number = %(number)s
"""
PARTS = {
    "documents": "SELECT kind, number_masked, valid_to, verified_at "
    "FROM customers_partyidentification WHERE party_id = %(party)s",
    "media": "SELECT kind, value, is_preferred FROM customers_contactmedium "
    "WHERE party_id = %(party)s AND ends_at IS NULL LIMIT 12",
    "lines": "SELECT s.*, (SELECT array_agg(t.reason) FROM customers_servicestop t "
    "WHERE t.subscriber_id = s.id AND t.cleared_at IS NULL) FROM customers_subscriber s "
    "WHERE s.customer_id = %(id)s ORDER BY s.ended_on DESC NULLS FIRST, s.opened_on DESC LIMIT 10",
    "accounts": "SELECT * FROM customers_billingaccount WHERE customer_id = %(id)s "
    "ORDER BY balance_fen LIMIT 10",
    "bills": "SELECT month, sum(amount_fen)::bigint, sum(paid_fen)::bigint FROM customers_bill "
    "WHERE customer_id = %(id)s AND month >= %(month)s GROUP BY month ORDER BY month",
    "usage": "SELECT month, sum(voice_out_seconds + voice_in_seconds)::bigint, "
    "sum(sms_count)::bigint, sum(data_kb)::bigint, sum(roaming_kb)::bigint, "
    "sum(dropped_calls)::bigint FROM customers_monthlyusage "
    "WHERE customer_id = %(id)s AND month >= %(month)s GROUP BY month ORDER BY month",
    "contacts": "SELECT started_at, channel, direction, purpose, topic, result "
    "FROM customers_interaction WHERE customer_id = %(id)s AND started_at >= %(month)s "
    "ORDER BY started_at DESC LIMIT 21",
}


LIST_AFTER = "AND (p.sort_key, p.id) > (%(name)s, %(party)s::bigint)"
LIST = """
SELECT c.number, p.name, p.kind, c.category, c.status, c.star, h.name, h.name_en, c.opened_on,
       ARRAY(SELECT t.name FROM customers_customertag ct JOIN customers_tag t ON t.id = ct.tag_id
             WHERE ct.customer_id = c.id ORDER BY t.name)
FROM customers_customer c JOIN customers_party p ON p.id = c.party_id
JOIN access_orgunit h ON h.id = c.home_org_id AND h.path LIKE %(province)s
WHERE true {} ORDER BY p.sort_key, p.id LIMIT 50
"""


def search_number(request: HttpRequest) -> HttpResponse:
    keys = request.GET["keys"].split(",")
    return _json(_rows(BY_NUMBER, keys=keys, **_scope(request)))


def search_name(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    asked = {"prefix": f"n{request.GET['name']}%", "since": now - RECENT, "now": now}
    return _json(_rows(BY_NAME, **asked, **_scope(request)))


def customer(request: HttpRequest, number: str) -> HttpResponse:
    found = _rows(CUSTOMER, number=number, **_scope(request))
    ask = {"id": found[0][0], "party": found[0][1], "month": recent_months(timezone.localdate())[0]}
    return _json([found, *(_rows(sql, **ask) for sql in PARTS.values())])


def customer_list(request: HttpRequest) -> HttpResponse:
    after = LIST_AFTER if "name" in request.GET else ""
    given = {name: request.GET.get(name) for name in ("name", "party")}
    scope = {"province": f"{request.GET['province']}%"}
    return _json(_rows(LIST.format(after), **given, **scope))


def _scope(request: HttpRequest) -> dict[str, str]:
    return {"city": f"{request.GET['city']}%", "province": request.GET["province"]}


def _rows(sql: str, **params: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def _json(answer: Any) -> HttpResponse:
    return HttpResponse(orjson.dumps(answer, default=str), content_type="application/json")


urlpatterns = [
    path("bare/number/", search_number),
    path("bare/name/", search_name),
    path("bare/customers/<str:number>/", customer),
    path("bare/list/", customer_list),
    path("", include("crm.urls")),
]
