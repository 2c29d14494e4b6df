"""Any list of conditions gives the rows that a predicate in Python gives, row by row."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db.models import BooleanField
from django.db.models.expressions import RawSQL
from django.http import QueryDict
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers.filters import (
    BadFilter,
    Condition,
    Operator,
    compile_conditions,
    fields_of,
    from_json,
    from_query,
    names_of_units,
    sentence,
)
from customers.models import (
    BillingAccount,
    CharacteristicSpec,
    Customer,
    CustomerTag,
    ListKind,
    Subscriber,
    Tag,
)
from customers.search import sort_key
from tests.factories import (
    make_account,
    make_customer,
    make_province,
    make_staff,
    make_subscriber,
)

TODAY = date(2024, 6, 15)
NAMES = ["王小明", "王伟", "李娜", "张三丰", "欧阳修", "Alice Li", "100% 公司"]
CATEGORIES = ["PUBLIC", "ENTERPRISE", "VIP"]
STATES = ["ACTIVE", "SUSPENDED", "PENDING"]
CHARACTERISTICS = [
    {}, {"tenure": 3, "paperless": True, "pay": "app", "since": "2024-05-01", "rate": 1.5},
    {"tenure": 40, "paperless": False, "pay": "", "since": "2023-01-31", "rate": -2},
    {"tenure": "many", "paperless": "yes", "pay": "50%_off", "since": None},
    {"tenure": 0, "pay": "App"},
]  # fmt: skip


@pytest.fixture
def world(db):
    """Two dozen customers of every sort, and the same as plain facts."""
    units = make_province()
    halls = [units["a_hall"], units["b_hall"], units["a"], units["p"]]
    managers = [None, make_staff("accountmanager", staff_code="am1"), make_staff(staff_code="am2")]
    tags = [Tag.objects.create(name=name) for name in ("gold", "弱网")]
    for code, of in (("tenure", "INTEGER"), ("rate", "DECIMAL"), ("paperless", "BOOLEAN"),
                     ("pay", "TEXT"), ("since", "DATE")):  # fmt: skip
        CharacteristicSpec.objects.create(entity="CUSTOMER", code=code, value_type=of, name=code)
    facts = {}
    for n in range(24):
        customer = make_customer(
            name=NAMES[n % len(NAMES)], home_org=halls[n % 4], category=CATEGORIES[n % 3],
            star=n % 5, manager=managers[(n // 2) % 3], opened_on=TODAY - timedelta(days=7 * n),
            characteristics=CHARACTERISTICS[n % len(CHARACTERISTICS)],
        )  # fmt: skip
        put = [tag for m, tag in enumerate(tags) if n % (m + 2) == 0]
        CustomerTag.objects.bulk_create(CustomerTag(customer=customer, tag=tag) for tag in put)
        lines = [
            make_subscriber(
                customer=customer, status=STATES[(n + m) % 3], plan_code=f"P{(n + m) % 3}",
                contract_ends_on=TODAY + timedelta(days=30 * (n % 4)) if (n + m) % 2 else None,
            )
            for m in range(n % 3)
        ]  # fmt: skip
        owed = [make_account(customer=customer, balance_fen=b).balance_fen
                for b in [-3820, 0, 10050][: n % 4]]  # fmt: skip
        facts[customer.pk] = _facts(customer, halls[n % 4], put, lines, owed)
    return units, facts


def _facts(customer, hall, tags, lines, balances):
    held = customer.characteristics
    return {
        "name": [sort_key(customer.party.name)],
        "number": [customer.number],
        "category": [customer.category],
        "star": [customer.star],
        "home": [hall.code],
        "path": hall.path,
        "manager": [customer.manager.staff_code] if customer.manager else [],
        "tag": [tag.name for tag in tags],
        "opened": [customer.opened_on],
        "line_status": [line.status for line in lines],
        "line_plan": [line.plan_code for line in lines],
        "line_contract": [line.contract_ends_on for line in lines if line.contract_ends_on],
        "account_balance": balances,
        "x.tenure": [v for v in [held.get("tenure")] if isinstance(v, int)],
        "x.rate": [Decimal(str(v)) for v in [held.get("rate")] if isinstance(v, int | float)],
        "x.paperless": [v for v in [held.get("paperless")] if isinstance(v, bool)],
        "x.pay": [v for v in [held.get("pay")] if v],
        "x.since": [date.fromisoformat(v) for v in [held.get("since")] if v],
    }


TEXTS = {
    "number": ["1000", "10000000", "9"], "tag": ["gold", "弱网", "none such"],
    "line_plan": ["P0", "P1", "P9", "P%", "_0"], "x.pay": ["app", "App", "50%_off", "50", "%"],
}  # fmt: skip
CHOICES = {"category": CATEGORIES, "line_status": STATES}
SURNAMES = ["王", "wang", "ou", "A", "100%"]
MONEY = ["-38.20", "0", "100.50", "0.01", "-100000"]
WHOLE = ["0", "3", "4", "40", "-1", "99"]
DAYS = ["2024-05-01", "2023-01-31", "today", "today-30d", "today+60d", "2024-01-01"]
ORDERED = {
    "star": WHOLE, "x.tenure": WHOLE, "x.rate": ["1.5", "-2", "0", "-2.000000001"],
    "account_balance": MONEY, "opened": DAYS, "line_contract": DAYS, "x.since": DAYS,
}  # fmt: skip


def read(name, text):
    if name == "account_balance":
        return int(Decimal(text) * 100)
    if name in ("opened", "line_contract", "x.since"):
        if text.startswith("today"):
            return TODAY + timedelta(days=int(text[5:-1] or 0)) if text != "today" else TODAY
        return date.fromisoformat(text)
    if name in ORDERED:
        return Decimal(text)
    return text == "yes" if name == "x.paperless" else text


def texts(names):
    name = st.sampled_from(sorted(names))
    return name.flatmap(lambda n: st.tuples(st.just(n), st.sampled_from(names[n])))


def on(name, operator, *values):
    return Condition(name, Operator(operator), values)


CONDITIONS = st.one_of(
    st.builds(
        lambda pair, op: on(pair[0], op, pair[1]),
        texts(TEXTS | CHOICES | ORDERED),
        st.sampled_from(["is", "not"]),
    ),
    st.builds(
        lambda pair, more: on(pair[0], "in", pair[1], *more),
        texts(TEXTS),
        st.lists(st.sampled_from(["app", "gold", "P1", "\\", "'; --"]), max_size=2),
    ),
    st.builds(lambda pair: on(pair[0], "begins", pair[1]), texts(TEXTS)),
    st.builds(lambda v: on("name", "begins", v), st.sampled_from(SURNAMES)),
    st.builds(
        lambda name, ends: on(name, "between", *ends),
        st.sampled_from(sorted(ORDERED)),
        st.sampled_from([(0, None), (None, 0), (1, 1), (1, None), (None, 2), (0, 2)]),
    ),
    st.builds(
        lambda name, is_empty: on(name, "empty", is_empty),
        st.sampled_from([*TEXTS, *CHOICES, *ORDERED, "x.paperless", "manager"]),
        st.sampled_from(["yes", "no"]),
    ),
    st.builds(lambda v: on("x.paperless", "is", v), st.sampled_from(["yes", "no"])),
    st.builds(
        lambda op, v: on("manager", op, v), st.sampled_from(["is", "not"]), st.just("am1")
    ),
    st.builds(lambda op, v: on("home", op, v), st.sampled_from(["within", "is", "not"]),
              st.sampled_from(["p", "a", "a_hall", "b"])),
)  # fmt: skip


def resolved(condition, units):
    """Put in what a strategy cannot know: the codes of units, ends of ranges in order."""
    if condition.field == "home":
        return on("home", condition.operator, units[condition.values[0]].code)
    if condition.operator == Operator.BETWEEN:
        known = ORDERED[condition.field]
        ends = [None if v is None else known[v] for v in condition.values]
        if None not in ends:
            ends.sort(key=lambda text: read(condition.field, text))
        return on(condition.field, "between", *(end or "" for end in ends))
    return condition


def holds(condition, fact, units):
    values, operator = fact[condition.field], condition.operator
    if operator == Operator.EMPTY:
        return (not any(value != "" for value in values)) == (condition.values[0] == "yes")
    if operator == Operator.WITHIN:
        top = next(unit for unit in units.values() if unit.code == condition.values[0])
        return fact["path"].startswith(top.path)
    if operator == Operator.BEGINS:
        start = condition.values[0]
        start = sort_key(start) if condition.field == "name" else start
        return any(value.startswith(start) for value in values)
    given = [read(condition.field, text) if text else None for text in condition.values]
    if operator == Operator.BETWEEN:
        low, high = given
        return any((low is None or v >= low) and (high is None or v <= high) for v in values)
    found = any(value in given for value in values)
    return found != (operator == Operator.NOT)


@settings(
    max_examples=300, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(asked=st.lists(CONDITIONS, max_size=4))
def test_any_conditions_give_the_rows_of_a_predicate(world, asked):
    units, facts = world
    conditions = [resolved(condition, units) for condition in asked]

    found = compile_conditions(ListKind.CUSTOMERS, conditions, today=TODAY)

    asks = RawSQL(found.where, found.params, output_field=BooleanField())
    rows = set(Customer.objects.filter(asks).values_list("pk", flat=True))
    assert rows == {
        pk for pk, fact in facts.items() if all(holds(c, fact, units) for c in conditions)
    }


@pytest.mark.parametrize(
    "kind, model", [(ListKind.SUBSCRIBERS, Subscriber), (ListKind.ACCOUNTS, BillingAccount)]
)
def test_lines_and_accounts_are_asked_about_their_customer(world, kind, model):
    units, facts = world
    conditions = [
        on("customer_category", "is", "VIP"),
        on("customer_home", "within", units["a"].code),
        on("customer_tag", "not", "弱网"),
        on("customer_name", "begins", "王"),
    ]

    found = compile_conditions(kind, conditions, today=TODAY)

    asks = RawSQL(found.where, found.params, output_field=BooleanField())
    customers = {
        pk
        for pk, fact in facts.items()
        if all(holds(on(c.field[9:], c.operator, *c.values), fact, units) for c in conditions)
    }
    expected = model.objects.filter(customer__in=customers)
    assert set(model.objects.filter(asks)) == set(expected)
    assert customers


@pytest.mark.parametrize(
    "field, operator, values, said",
    [
        ("category", "is", ["GOLD"], "is never “GOLD”"),
        ("star", "is", ["many"], "takes a whole number"),
        ("star", "is", ["٣"], "takes a whole number"),
        ("star", "is", ["1e9"], "takes a whole number"),
        ("x.rate", "is", ["NaN"], "takes a number"),
        ("x.rate", "is", ["1" + "0" * 30], "takes a number"),
        ("account_balance", "between", ["0.001", ""], "takes an amount in yuan"),
        ("account_balance", "between", ["", ""], "begins or ends"),
        ("account_balance", "between", ["2", "1"], "cannot end before it begins"),
        ("opened", "is", ["2024-02-30"], "takes a day"),
        ("opened", "is", ["today-99999d9"], "takes a day"),
        ("opened", "is", ["today-99999999d"], "takes a day"),
        ("number", "is", ["x" * 201], "too long"),
        ("number", "is", ["a\0b"], "too long"),
        ("number", "is", [""], "Say a value"),
        ("number", "is", [], "takes from 1"),
        ("number", "in", [str(n) for n in range(101)], "takes from 1 to 100 values"),
        ("name", "begins", ["王小明是我"], "no address holds a person"),
        ("line_phone", "begins", ["13812345678"], "no address holds a person"),
        ("line_phone", "begins", ["abc"], "no address holds a person"),
        ("home", "within", ["NOWHERE"], "no unit with the code"),
        ("manager", "is", ["nobody"], "no account with the staff code"),
        ("x.paperless", "is", ["perhaps"], "takes yes or no"),
        ("number", "empty", ["perhaps"], "takes yes or no"),
        ("name", "is", ["王小明"], "cannot be asked whether"),
        ("secret", "is", ["1"], "There is no field"),
        ("category", "like", ["%"], "cannot be asked whether"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_sentence(world, field, operator, values, said):
    fields = fields_of(ListKind.CUSTOMERS)

    with pytest.raises(BadFilter, match=said) as refused:
        conditions = from_json([{"field": field, "op": operator, "values": values}], fields)
        compile_conditions(ListKind.CUSTOMERS, conditions, today=TODAY)

    assert len(refused.value.refusals) == 1


def test_all_refusals_come_at_once(world):
    asked = [on("star", "is", "x"), on("category", "is", "y"), on("home", "is", "z")]

    with pytest.raises(BadFilter) as refused:
        compile_conditions(ListKind.CUSTOMERS, asked, today=TODAY)

    assert [r.field for r in refused.value.refusals] == ["star", "category", "home"]


@pytest.mark.parametrize("data", [None, {}, "x", [1], [{}], [{"field": "star", "op": "is"}],
                                  [{"field": "star", "op": "is", "values": [1]}],
                                  [{"field": ["star"], "op": "is", "values": ["1"]}],
                                  [{"field": "star", "op": {}, "values": ["1"]}]])  # fmt: skip
def test_saved_conditions_that_are_none_are_refused(world, data):
    with pytest.raises(BadFilter):
        from_json(data, fields_of(ListKind.CUSTOMERS))


def test_an_address_says_what_was_asked_and_is_read_back(world):
    fields = fields_of(ListKind.CUSTOMERS)
    asked = QueryDict("category=VIP&account_balance.between=..-0.01&tag.in=gold,弱网&x.pay.not=app"
                      "&name=王&home=A&sort=name&opened.between=2024-01-01..")  # fmt: skip
    pairs = [(key, value) for key, values in asked.lists() for value in values]

    conditions = from_query(pairs, fields, reserved={"sort"})

    assert [(c.key, c.text) for c in conditions] == [
        ("category", "VIP"),
        ("account_balance.between", "..-0.01"),
        ("tag.in", "gold,弱网"),
        ("x.pay.not", "app"),
        ("name.begins", "王"),
        ("home", "A"),
        ("opened.between", "2024-01-01.."),
    ]
    again = from_query([(c.key, c.text) for c in conditions], fields, reserved=())
    assert again == conditions
    assert from_json([c.to_json() for c in conditions], fields) == conditions


@pytest.mark.parametrize("language, said", [
    ("en", ["Category is VIP", "Balance of an account is at most −¥0.01", "Customer since is from",
            "is empty", "is in Unit"]),
    ("zh-hans", ["VIP", "−¥0.01"]),
])  # fmt: skip
def test_a_condition_is_a_sentence(world, language, said):
    units, _ = world
    conditions = [
        on("category", "is", "VIP"),
        on("account_balance", "between", "", "-0.01"),
        on("opened", "between", "2024-01-01", "today"),
        on("manager", "empty", "yes"),
        on("home", "within", units["a"].code),
    ]

    with translation.override(language):
        fields = fields_of(ListKind.CUSTOMERS)
        names = names_of_units(conditions, fields)
        sentences = [sentence(c, fields, units=names) for c in conditions]

    for words in said:
        assert any(words in one for one in sentences), sentences
