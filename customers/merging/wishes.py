"""
What a customer forbade stays forbidden when two records become one.

Consents and preferences are ledgers: nothing in them moves. The absorbed record's withdrawals
are written into the survivor's ledger with their own time, so the person's last word counts;
consents given are not, since the survivor was not asked. An undo leaves these rows where they
are: it is safer to have asked once too little.
"""

from datetime import datetime

from django.db import connection

from customers.models import Consent, ConsentState, ContactPreference, Customer


def carry_wishes(*, survivor: Customer, absorbed: Customer, at: datetime) -> None:
    """Copy the withdrawals that hold for the absorbed, and their wish not to be contacted."""
    table = Consent._meta.db_table
    columns = (
        "purpose, channel, state, text_version, decided_at, expires_at, source, evidence,"
        " interaction_id, staff_id"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (party_id, recorded_at, {columns})"
            f" SELECT %s, %s, {columns} FROM (SELECT DISTINCT ON (purpose, channel) * FROM {table}"
            " WHERE party_id = %s ORDER BY purpose, channel, decided_at DESC, id DESC) AS last"
            f" WHERE state = '{ConsentState.WITHDRAWN}'",
            [survivor.party_id, at, absorbed.party_id],
        )
    theirs, ours = _last(absorbed), _last(survivor)
    if theirs is None or not theirs.do_not_contact or (ours and ours.do_not_contact):
        return
    wish = ours or ContactPreference(party_id=survivor.party_id)
    wish.pk, wish._state.adding = None, True
    wish.do_not_contact, wish.set_at = theirs.do_not_contact, at
    wish.save()


def _last(customer: Customer) -> ContactPreference | None:
    return ContactPreference.objects.filter(party=customer.party_id).order_by("-id").first()
