"""The tables that the feeds of customers, accounts and subscribers write to."""

from crm.platform.feeds.parts import Part

# What a row under a number that was merged away says of the person does not overrule what
# somebody chose at the merge; what it says of accounts and lines is the survivor's.
_OF_THE_MERGED = "r.is_of_the_merged"

PARTY = Part(
    name="party",
    table="customers_party",
    unless=_OF_THE_MERGED,
    stated={
        "kind": "r.kind",
        "name": "r.name",
        "sort_key": "r.sort_key",
        "birth_date": "coalesce(r.birth_date, r.id_birth_date)",
        "sex": "r.sex",
        "industry": "r.industry",
        "legal_representative": "r.legal_representative",
    },
    defaults={
        "kind": "'INDIVIDUAL'",
        "name": "r.customer_number",
        "sort_key": "lower(r.customer_number)",
        "sex": "''",
        "industry": "''",
        "legal_representative": "''",
    },
)
CUSTOMER = Part(
    name="customer",
    table="customers_customer",
    unless=_OF_THE_MERGED,
    fixed={"number": "r.customer_number", "party_id": "r.party_id", "source": "r.source"},
    stated={
        "category": "r.category",
        "status": "r.customer_status",
        "star": "r.star",
        "home_org_id": "r.home_org_id",
        "manager_id": "r.manager_id",
        "opened_on": "r.opened_on",
        "characteristics": "r.customer_characteristics",
        "characteristics_as_of": "r.characteristics_as_of",
    },
    defaults={
        "category": "'PUBLIC'",
        "status": "CASE WHEN r.ended_on IS NULL THEN 'ACTIVE' ELSE 'LOST' END",
        "star": "0",
        "home_org_id": "r.root_org_id",
        "opened_on": "coalesce(r.subscriber_opened_on, r.today)",
        "characteristics": "'{}'",
    },
    merged=("characteristics",),
)
ACCOUNT = Part(
    name="account",
    table="customers_billingaccount",
    fixed={"number": "r.account_number", "customer_id": "r.customer_id", "source": "r.source"},
    stated={
        "pay_type": "r.pay_type",
        "pay_method": "r.pay_method",
        "cycle_day": "r.cycle_day",
        "status": "r.account_status",
        "credit_limit_fen": "r.credit_limit_fen",
        "balance_fen": "r.balance_fen",
        "billed_total_fen": "r.billed_total_fen",
        "balance_as_of": "r.balance_as_of_or_file",
        "opened_on": "r.account_opened_on",
        "closed_on": "r.account_closed_on",
        "characteristics": "r.account_characteristics",
    },
    defaults={
        "pay_type": "'POSTPAID'",
        "pay_method": "''",
        "cycle_day": "1",
        "status": "'ACTIVE'",
        "credit_limit_fen": "0",
        "balance_fen": "0",
        "billed_total_fen": "0",
        "opened_on": "coalesce(r.opened_on, r.today)",
        "characteristics": "'{}'",
    },
    merged=("characteristics",),
)
SUBSCRIBER = Part(
    name="subscriber",
    table="customers_subscriber",
    fixed={"number": "r.subscriber_number", "customer_id": "r.customer_id", "source": "r.source"},
    stated={
        "service_number": "r.service_number",
        "product": "r.product",
        "plan_code": "r.plan_code",
        "plan_name": "r.plan_name",
        "monthly_fee_fen": "r.monthly_fee_fen",
        "opened_on": "r.subscriber_opened_on",
        "contract_ends_on": "r.contract_ends_on",
        "status": "r.status_said",
        "ended_on": "r.ended_on",
        "end_reason": "r.end_reason",
        "characteristics": "r.subscriber_characteristics",
    },
    defaults={
        "service_number": "r.subscriber_number",
        "product": "'mobile'",
        "plan_code": "''",
        "plan_name": "''",
        "monthly_fee_fen": "0",
        "opened_on": "least(coalesce(r.opened_on, r.today), r.ended_on)",
        "status": "'ACTIVE'",
        "end_reason": "''",
        "characteristics": "'{}'",
    },
    merged=("characteristics",),
)
