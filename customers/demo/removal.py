"""Removing what a run that was cut off has left."""

from django.db import connection, transaction

from customers.demo.models import DemoOperator

_OF_CUSTOMER = "customer_id BETWEEN %s AND %s"
_OF_LINE = f"subscriber_id IN (SELECT id FROM customers_subscriber WHERE {_OF_CUSTOMER})"
_PARTY = "SELECT party_id FROM customers_customer WHERE id BETWEEN %s AND %s"
_PARTED = "party_id IN (SELECT party_id FROM customers_customer WHERE id BETWEEN %s AND %s)"
# Children first.
_CONDITIONS = {
    "customers_interaction": _OF_CUSTOMER,
    "customers_payment": _OF_CUSTOMER,
    "customers_bill": _OF_CUSTOMER,
    "customers_monthlyusage": _OF_CUSTOMER,
    "customers_searchkey": _OF_CUSTOMER,
    "customers_subscriberstatusperiod": _OF_LINE,
    "customers_servicestop": _OF_LINE,
    "customers_payrelation": _OF_LINE,
    "customers_subscriber": _OF_CUSTOMER,
    "customers_billingaccount": _OF_CUSTOMER,
    "customers_consent": _PARTED,
    "customers_contactpreference": _PARTED,
    "customers_contactmedium": _PARTED,
    "customers_partyidentification": _PARTED,
}


@transaction.atomic
def remove(operator: DemoOperator) -> None:
    """Remove the operator's customers, everything of theirs, and the marker. Staff stay."""
    span = [operator.first_customer_id, operator.last_customer_id]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL crm.may_remove_demo = on")  # or the consents would stay
        for table, condition in _CONDITIONS.items():
            cursor.execute(f'DELETE FROM "{table}" WHERE {condition}', span)
        cursor.execute(
            "WITH gone AS (DELETE FROM customers_customer WHERE id BETWEEN %s AND %s "
            "RETURNING party_id) SELECT party_id FROM gone",
            span,
        )
        parties = [party for (party,) in cursor.fetchall()]
        cursor.execute("DELETE FROM customers_party WHERE id = ANY(%s)", [parties])
    operator.delete()
