"""Ranges of ids, taken from the sequences before a row is written."""

from django.db import connection, transaction

from customers.demo.structure import (
    CONSENTS_OF_A_CUSTOMER,
    MEDIA_OF_A_CUSTOMER,
    Bases,
    Chunk,
    periods_of_a_line,
)


@transaction.atomic
def reserve(chunks: list[Chunk]) -> Bases:
    """Reserve the ids of all rows of the chunks that have any."""
    specification, last = chunks[0].specification, chunks[-1]
    customers = specification.customers
    lines = last.first_line + int(last.lines.sum())
    spells = lines * periods_of_a_line(specification.timeline)
    return Bases(
        party=_range("customers_party", customers),
        customer=_range("customers_customer", customers),
        account=_range("customers_billingaccount", customers),
        identification=_range("customers_partyidentification", customers),
        medium=_range("customers_contactmedium", customers * MEDIA_OF_A_CUSTOMER),
        subscriber=_range("customers_subscriber", lines),
        pay_relation=_range("customers_payrelation", lines),
        status_period=_range("customers_subscriberstatusperiod", spells),
        stop=_range("customers_servicestop", spells),
        consent=_range("customers_consent", customers * CONSENTS_OF_A_CUSTOMER),
        preference=_range("customers_contactpreference", customers),
    )


def _range(table: str, count: int) -> int:
    """
    Return the first of `count` ids of the table that nobody else will get.

    Altering the sequence locks out everybody else's nextval until the transaction ends.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
        (sequence,) = cursor.fetchone()
        cursor.execute(f"ALTER SEQUENCE {sequence} INCREMENT BY 1")
        cursor.execute("SELECT nextval(%s)", [sequence])
        (first,) = cursor.fetchone()
        cursor.execute("SELECT setval(%s, %s)", [sequence, first + count - 1])
    return int(first)
