"""Features of what was agreed: how long, on what terms, and what else the customer holds."""

from django.utils.translation import gettext_lazy as _

from analytics.features.definition import Feature, Kind, Unit
from customers.models import PRODUCT_NAMES, CustomerCategory

CONTRACT = (
    Feature(
        code="tenure_months",
        name=_("Time with us"),
        sql="(%(as_of)s::date - s.opened_on) / 30.4375",
        unit=Unit.MONTHS,
        raising=_("Only {value} with us"),
        lowering=_("{value} with us"),
    ),
    Feature(
        code="contract_months_left",
        name=_("Contract still to run (below zero: run out)"),
        sql="(terms.contract_ends_on - %(as_of)s::date) / 30.4375",
        unit=Unit.MONTHS,
        blocks=("terms",),
        raising=_("Contract ends in {value}"),
        lowering=_("Contract runs for another {value}"),
    ),
    Feature(
        code="out_of_contract",
        name=_("Out of contract"),
        kind=Kind.FLAG,
        sql="(coalesce(terms.contract_ends_on, %(as_of)s::date) <= %(as_of)s::date)::int",
        blocks=("terms",),
    ),
    Feature(
        code="product",
        name=_("Product"),
        kind=Kind.CATEGORY,
        sql="s.product",
        labels=PRODUCT_NAMES,
    ),
    Feature(
        code="plan",
        name=_("Plan"),
        kind=Kind.CATEGORY,
        sql="nullif(terms.plan_code, '')",
        blocks=("terms",),
    ),
    Feature(code="lines", name=_("Lines of the customer"), sql="lines.live", blocks=("lines",)),
    Feature(
        code="category",
        name=_("Customer category"),
        kind=Kind.CATEGORY,
        sql="c.category",
        labels=dict(CustomerCategory.choices),
    ),
)
