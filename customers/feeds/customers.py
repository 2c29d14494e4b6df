"""The feed of customers: each row one customer, and optionally their account and subscriber."""

from collections.abc import Iterable, Mapping
from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.platform.access.masking import FieldClass, mask
from crm.platform.access.models import OrgLevel, OrgUnit
from crm.platform.feeds.chunks import Chunk
from crm.platform.feeds.definition import Characteristic, Derive, FileFacts, Preparation, Staged
from crm.platform.feeds.entity import EntityFeed
from crm.platform.feeds.entity_undo import Owned, Reference
from crm.platform.feeds.reasons import CellFault
from crm.platform.feeds.sql import day, findings, literal
from crm.platform.feeds.undo import Undoing
from customers.feeds import parts, sides
from customers.feeds.characteristics import declare, declared_types
from customers.feeds.columns import ACCOUNT, CUSTOMER, CUSTOMER_NUMBER, PARTY, SUBSCRIBER
from customers.feeds.owners import customer_join
from customers.feeds.search_keys import SEPARATOR, add_keys, make_keys, remake_keys, renew_keys
from customers.feeds.subscriber_rules import STATUS_SAID, subscriber_findings
from customers.identity import (
    IdentityFault,
    birth_date_of,
    check_number,
    encrypt_number,
    hash_number,
)
from customers.models import IdentificationKind
from customers.search import keys_for, sort_key

ROOT_ORG = "OPERATOR"


_OPENED = "coalesce(s.subscriber_opened_on, u.opened_on, s.opened_on)"
OF_PARTY = "(SELECT c.id FROM customers_customer AS c WHERE c.party_id = t.party_id)"
OF_SUBSCRIBER = "(SELECT u.customer_id FROM customers_subscriber AS u WHERE u.id = t.subscriber_id)"
OWNED = (
    Owned("customers_subscriberstatusperiod", OF_SUBSCRIBER),
    Owned("customers_payrelation", OF_SUBSCRIBER),
    Owned("customers_partyidentification", OF_PARTY),
    Owned("customers_contactmedium", OF_PARTY),
    Owned("customers_subscriber", "t.customer_id"),
    Owned("customers_billingaccount", "t.customer_id"),
    Owned("customers_customer", "t.id"),
    Owned("customers_party", "(SELECT c.id FROM customers_customer AS c WHERE c.party_id = t.id)"),
)


class CustomersFeed(EntityFeed):
    code = "customers"
    label = gettext_lazy("Customers")
    key = "customer_number"
    columns = (CUSTOMER_NUMBER, *PARTY, *CUSTOMER, *ACCOUNT, *SUBSCRIBER)
    entities = ("customer", "account", "subscriber")
    derived = (
        Staged("sort_key", "text"),
        Staged("id_kind_said", "text"),
        Staged("number_encrypted", "bytea"),
        Staged("number_hash", "bytea"),
        Staged("number_masked", "text"),
        Staged("id_birth_date", "date"),
        Staged("keys", "text"),
    )
    parts = (parts.PARTY, parts.CUSTOMER, parts.ACCOUNT, parts.SUBSCRIBER)
    primary = "customer"
    sides = (
        sides.identifications,
        sides.media,
        sides.status_periods,
        sides.pay_relations,
        make_keys,
        add_keys,
        renew_keys,
    )
    owned = OWNED
    references = tuple(
        Reference(table, "customer_id")
        for table in (
            "customers_bill",
            "customers_payment",
            "customers_monthlyusage",
            "customers_interaction",
            "customers_churnscore",
            "customers_deskcontact",
            "customers_note",
        )
    )
    wave_keys = ("customer_number", "account_number", "subscriber_number", "service_number")

    def derive(self, facts: FileFacts, positions: Mapping[str, int]) -> Derive:
        return _Derivation(positions, facts.today).cells

    def declared_types(self, characteristics: Iterable[Characteristic]) -> dict[str, str]:
        return declared_types(characteristics)

    def prepare(self, run: Preparation) -> None:
        declare(run.facts)
        if OrgUnit.objects.filter(parent=None).exists():
            return
        OrgUnit.objects.create(
            code=ROOT_ORG, name="Operator", name_en="Operator", level=OrgLevel.PROVINCE
        )
        run.notes.append(
            _("There was no organisation unit; “%(code)s” was made.") % {"code": ROOT_ORG}
        )

    def customers_of(self, undoing: Undoing) -> list[int]:
        return []  # the undo itself finds them: here they are what is taken back

    def after_undo(self, undoing: Undoing, customers: list[int], removed: list[int]) -> None:
        undoing.execute("DELETE FROM customers_searchkey WHERE customer_id = ANY(%s)", [removed])
        rows = undoing.rows("SELECT DISTINCT owner FROM undo_touched WHERE owner IS NOT NULL")
        remake_keys(sorted({owner for (owner,) in rows} - set(removed)))

    def resolved(self, chunk: Chunk, wave: str) -> str:
        facts = chunk.facts
        found = findings(
            ("s.home_org IS NOT NULL AND o.id IS NULL", "home_org", "unknown_org"),
            ("s.manager IS NOT NULL AND m.id IS NULL", "manager", "unknown_staff"),
            ("a.customer_id IS DISTINCT FROM c.id AND a.id IS NOT NULL",
             "account_number", "account_of_another"),
            ("u.customer_id IS DISTINCT FROM c.id AND u.id IS NOT NULL",
             "subscriber_number", "subscriber_of_another"),
            *subscriber_findings(opened=_OPENED),
            (f"c.characteristics_as_of > {day(facts.as_of)} AND s.has_characteristics",
             "", "older_than_known", "c.characteristics_as_of"),
        )  # fmt: skip
        return f"""
            SELECT s.*, c.id IS NULL AS customer_new, c.id IS NOT NULL AS is_known,
                n.merged_into_id IS NOT NULL AS is_of_the_merged,
                coalesce(c.id, nextval('customers_customer_id_seq')) AS customer_id,
                c.id IS NULL AS party_new,
                coalesce(c.party_id, nextval('customers_party_id_seq')) AS party_id,
                s.account_number IS NOT NULL AND a.id IS NULL AS account_new,
                CASE WHEN s.account_number IS NOT NULL THEN
                    coalesce(a.id, nextval('customers_billingaccount_id_seq')) END AS account_id,
                s.subscriber_number IS NOT NULL AND u.id IS NULL AS subscriber_new,
                CASE WHEN s.subscriber_number IS NOT NULL THEN
                    coalesce(u.id, nextval('customers_subscriber_id_seq')) END AS subscriber_id,
                o.id AS home_org_id, m.id AS manager_id,
                (SELECT id FROM access_orgunit WHERE parent_id IS NULL ORDER BY id LIMIT 1)
                    AS root_org_id,
                {STATUS_SAID} AS status_said,
                coalesce(s.balance_as_of, CASE WHEN coalesce(s.balance_fen, s.billed_total_fen)
                    IS NOT NULL THEN {sides.midnight(day(facts.as_of))} END)
                    AS balance_as_of_or_file,
                CASE WHEN s.has_characteristics THEN {day(facts.as_of)} END
                    AS characteristics_as_of,
                {literal(facts.source)} AS source, {day(facts.as_of or facts.today)} AS today,
                {found} AS findings
            FROM (SELECT s.*, s.customer_characteristics IS NOT NULL AS has_characteristics
                FROM {chunk.stage} AS s WHERE {chunk.staged_rows} AND {wave}) AS s
            {customer_join()}
            LEFT JOIN customers_billingaccount AS a ON a.number = s.account_number
            LEFT JOIN customers_subscriber AS u ON u.number = s.subscriber_number
            LEFT JOIN customers_subscriber AS live
                ON live.service_number = coalesce(s.service_number, s.subscriber_number)
                AND live.ended_on IS NULL
            LEFT JOIN access_orgunit AS o ON o.code = s.home_org
            LEFT JOIN access_staff AS m ON m.staff_code = s.manager
        """


class _Derivation:
    """What is computed of a row's plain cells: pinyin, encrypted document, search keys."""

    def __init__(self, positions: Mapping[str, int], today: date) -> None:
        self._at = positions
        self._today = today

    def cells(self, row: list[str]) -> list[str]:
        kind, encrypted, hashed, masked, born = self._document(row)
        name = self._cell(row, "name")
        number = self._cell(row, "customer_number")
        subscriber = self._cell(row, "subscriber_number")
        service = self._cell(row, "service_number") or subscriber
        keys = keys_for(
            number=number,
            name=name or number,
            phones=[phone for phone in (self._cell(row, "phone"), service) if phone],
            accounts=[account for account in (self._cell(row, "account_number"),) if account],
            subscribers=[subscriber] if subscriber else [],
            id_hashes=[hashed] if hashed else [],
        )
        return [
            sort_key(name) if name else "",
            kind,
            f"\\x{encrypted.hex()}" if encrypted else "",
            f"\\x{hashed.hex()}" if hashed else "",
            masked,
            born,
            SEPARATOR.join(keys),
        ]

    def _cell(self, row: list[str], name: str) -> str:
        at = self._at.get(name)
        return row[at] if at is not None else ""

    def _document(self, row: list[str]) -> tuple[str, bytes, bytes, str, str]:
        number = self._cell(row, "id_number")
        if not number:
            return "", b"", b"", "", ""
        kind = self._cell(row, "id_kind") or IdentificationKind.ID_CARD
        try:
            number = check_number(kind, number, on=self._today)
        except IdentityFault as fault:
            raise CellFault("identity_number", str(fault), column="id_number") from None
        born = birth_date_of(number) if kind == IdentificationKind.ID_CARD else None
        return (
            kind,
            encrypt_number(number),
            hash_number(kind, number),
            mask(number, FieldClass.ID_NUMBER),
            born.isoformat() if born else "",
        )
