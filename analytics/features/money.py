"""Features of what is billed, what is paid, and what happens when it is not. Amounts in fen."""

from django.utils.translation import gettext_lazy as _

from analytics.features.definition import Feature, Kind, Unit
from customers.models import PAY_METHOD_NAMES, PayType

# Billing's running total is a present figure: it is read only where its date allows.
_BILLED_TOTAL = (
    "CASE WHEN coalesce((a.balance_as_of AT TIME ZONE %(zone)s)::date, c.characteristics_as_of)"
    " <= %(as_of)s::date THEN a.billed_total_fen END"
)
_OVERDUE = "greatest(bills.due - coalesce(paid.total, 0), 0)"

MONEY = (
    Feature(
        code="monthly_fee",
        name=_("Monthly fee"),
        sql="terms.monthly_fee_fen",
        unit=Unit.FEN,
        blocks=("terms",),
    ),
    Feature(
        code="billed_total",
        name=_("Billed in all"),
        sql=_BILLED_TOTAL,
        unit=Unit.FEN,
        blocks=("account",),
    ),
    Feature(
        code="pay_type",
        name=_("Prepaid or postpaid"),
        kind=Kind.CATEGORY,
        sql="a.pay_type",
        blocks=("account",),
        labels=dict(PayType.choices),
    ),
    Feature(
        code="pay_method",
        name=_("Way of paying"),
        kind=Kind.CATEGORY,
        sql="nullif(a.pay_method, '')",
        blocks=("account",),
        labels=PAY_METHOD_NAMES,
    ),
    Feature(
        code="bill_last", name=_("Last bill"), sql="bills.m1", unit=Unit.FEN, blocks=("bills",)
    ),
    Feature(
        code="bill_mean_3",
        name=_("Mean bill of 3 months"),
        sql="bills.mean3",
        unit=Unit.FEN,
        blocks=("bills",),
    ),
    Feature(
        code="bill_mean_6",
        name=_("Mean bill of 6 months"),
        sql="bills.mean6",
        unit=Unit.FEN,
        blocks=("bills",),
    ),
    Feature(
        code="bill_slope_3",
        name=_("Growth of the bill a month, 3 months"),
        sql="(bills.m1 - bills.m3) / 2.0",
        unit=Unit.FEN,
        blocks=("bills",),
    ),
    Feature(
        code="bill_slope_6",
        name=_("Growth of the bill a month, 6 months"),
        sql="bills.slope6",
        unit=Unit.FEN,
        blocks=("bills",),
    ),
    Feature(
        code="bill_change",
        name=_("Last bill against the one before"),
        sql="bills.m1 / nullif(bills.m2, 0) - 1",
        unit=Unit.CHANGE,
        blocks=("bills",),
        raising=_("Last bill {value} against the one before"),
        lowering=_("Last bill {value} against the one before"),
    ),
    Feature(
        code="bill_against_mean",
        name=_("Last bill against the 6-month mean"),
        sql="bills.m1 / nullif(bills.mean6, 0) - 1",
        unit=Unit.CHANGE,
        blocks=("bills",),
        raising=_("Last bill {value} against the 6-month mean"),
        lowering=_("Last bill {value} against the 6-month mean"),
    ),
    Feature(
        code="bill_against_3_before",
        name=_("Last bill against the three before"),
        sql="bills.m1 / nullif(bills.before3, 0) - 1",
        unit=Unit.CHANGE,
        blocks=("bills",),
        raising=_("Last bill {value} against the three before"),
        lowering=_("Last bill {value} against the three before"),
    ),
    Feature(
        code="unpaid",
        name=_("Unpaid"),
        sql="greatest(bills.billed - coalesce(paid.total, 0), 0)",
        unit=Unit.FEN,
        blocks=("bills", "paid"),
    ),
    Feature(
        code="overdue",
        name=_("Overdue"),
        sql=_OVERDUE,
        unit=Unit.FEN,
        blocks=("bills", "paid"),
    ),
    Feature(
        code="overdue_bills",
        name=_("Bills overdue"),
        sql=f"ceil({_OVERDUE} / nullif(bills.mean6, 0))",
        unit=Unit.TIMES,
        blocks=("bills", "paid"),
    ),
    Feature(
        code="late_payments",
        name=_("Paid late in 6 months"),
        sql="late.times",
        unit=Unit.TIMES,
        blocks=("late",),
    ),
    Feature(
        code="days_since_payment",
        name=_("Since the last payment"),
        sql="%(as_of)s::date - paid.latest",
        unit=Unit.DAYS,
        blocks=("paid",),
        raising=_("Last payment {value} ago"),
        lowering=_("Last payment {value} ago"),
    ),
    Feature(
        code="arrears_stop",
        name=_("Stopped for arrears"),
        kind=Kind.FLAG,
        sql="coalesce(stops.arrears, 0)",
        blocks=("stops",),
    ),
    Feature(
        code="other_stop",
        name=_("Stopped for another reason"),
        kind=Kind.FLAG,
        sql="coalesce(stops.other, 0)",
        blocks=("stops",),
    ),
    Feature(
        code="stops_6",
        name=_("Stops in 6 months"),
        sql="coalesce(stops.raised, 0)",
        unit=Unit.TIMES,
        blocks=("stops",),
    ),
)
