"""
Merging, editing and undoing in any order, against a plain model of the stated rules
(docs/merge.md): nothing lost, nothing doubled, every line with exactly one customer.
"""

import os

import hypothesis.strategies as st
import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from crm.platform.errors import DomainError
from customers.feeds.search_keys import remake_keys
from customers.merging.merge import merge_customers
from customers.merging.undo import undo_merge
from customers.models import (
    ContactMedium,
    Customer,
    CustomerStatus,
    Interaction,
    Party,
    SearchKey,
    Subscriber,
)
from customers.search import sort_key
from tests.customers.merging import LATER, NOON, add_contact, add_medium, make_months
from tests.factories import make_customer, make_org, make_subscriber

SIZE = 4
WHO = st.integers(0, SIZE - 1)
NAMES = ["王小明", "王晓明", "李四"]


class Merge:
    def __init__(self, pk, survivor, absorbed):
        self.pk, self.survivor, self.absorbed = pk, survivor, absorbed
        self.moved: set = set()
        self.stays: set = set()
        self.renamed: list | None = None
        self.undone = False


class Thing:
    """A line, contact or phone, as the model knows it."""

    def __init__(self, kind, row, owner, *, line=None, value="", current=True):
        self.kind, self.row, self.owner = kind, row, owner
        self.line, self.value, self.current = line, value, current


class MergesInAnyOrder(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        make_months()
        org = make_org()
        self.customers = [make_customer(home_org=org, name=NAMES[0]) for _n in range(SIZE)]
        self.names = [NAMES[0]] * SIZE
        self.things: list[Thing] = []
        self.merges: list[Merge] = []

    def teardown(self):
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    # What is there

    def merge_of(self, who):
        found = [m for m in self.merges if m.absorbed == who and not m.undone]
        assert len(found) <= 1
        return found[0] if found else None

    def root(self, who):
        while merge := self.merge_of(who):
            who = merge.survivor
        return who

    def has_phone(self, who, value):
        return any(
            t.kind == "phone" and t.owner == who and t.value == value and t.current
            for t in self.things
        )

    # Editing

    @rule(who=WHO)
    def add_line(self, who):
        who = self.root(who)
        row = make_subscriber(customer=self.customers[who])
        remake_keys([self.customers[who].pk])
        self.things.append(Thing("line", row, who))

    @rule(who=WHO, pick=st.integers(0, 50))
    def add_contact(self, who, pick):
        who = self.root(who)
        lines = [None, *(t for t in self.things if t.kind == "line")]
        line = lines[pick % len(lines)]
        row = add_contact(self.customers[who], line.row if line else None)
        self.things.append(Thing("contact", row, who, line=line))

    @rule(who=WHO, value=st.sampled_from(["13800000001", "13800000002"]))
    def add_phone(self, who, value):
        who = self.root(who)
        if not self.has_phone(who, value):
            row = add_medium(self.customers[who], value)
            self.things.append(Thing("phone", row, who, value=value))

    @rule(pick=st.integers(0, 50))
    def end_phone(self, pick):
        phones = [t for t in self.things if t.kind == "phone" and not self.merge_of(t.owner)]
        if phones:
            phone = phones[pick % len(phones)]
            ContactMedium.objects.filter(pk=phone.row.pk).update(ends_at=NOON)
            phone.current = False

    @rule(pick=st.integers(0, 50), to=WHO)
    def hand_over_line(self, pick, to):
        lines = [t for t in self.things if t.kind == "line"]
        if lines:
            line, to = lines[pick % len(lines)], self.root(to)
            Subscriber.objects.filter(pk=line.row.pk).update(customer=self.customers[to])
            line.owner = to

    @rule(who=WHO, name=st.sampled_from(NAMES))
    def rename(self, who, name):
        who = self.root(who)
        Party.objects.filter(pk=self.customers[who].party_id).update(
            name=name, sort_key=sort_key(name)
        )
        self.names[who] = name

    # Merging

    @rule(one=WHO, other=WHO, take=st.booleans())
    def merge(self, one, other, take):
        refuse = one == other or bool(self.merge_of(one) or self.merge_of(other))
        try:
            made = merge_customers(
                survivor_id=self.customers[one].pk,
                absorbed_id=self.customers[other].pk,
                take=["name"] if take else [],
                actor=None,
                at=NOON,
            )
        except DomainError:
            assert refuse
            return
        assert not refuse
        self.note_merge(Merge(made.pk, one, other), take=take)

    def note_merge(self, merge, *, take):
        if take and self.names[merge.survivor] != self.names[merge.absorbed]:
            merge.renamed = [self.names[merge.survivor], self.names[merge.absorbed]]
            self.names[merge.survivor] = self.names[merge.absorbed]
        for thing in self.things:
            about = thing.line and thing.line.owner == merge.absorbed
            if thing.owner == merge.survivor and about:
                merge.stays.add(thing)
        for thing in [t for t in self.things if t.owner == merge.absorbed]:
            doubled = thing.kind == "phone" and thing.current
            if doubled and self.has_phone(merge.survivor, thing.value):
                continue
            merge.moved.add(thing)
            thing.owner = merge.survivor
        self.merges.append(merge)

    @precondition(lambda self: self.merges)
    @rule(pick=st.integers(0, 50))
    def undo(self, pick):
        merge = self.merges[pick % len(self.merges)]
        refuse = merge.undone or self.merge_of(merge.survivor) is not None
        try:
            undo_merge(merge_id=merge.pk, actor=None, at=LATER)
        except DomainError:
            assert refuse
            return
        assert not refuse
        self.note_undo(merge)

    def note_undo(self, merge):
        merge.undone = True
        others = [m for m in self.merges if m.survivor == merge.survivor and not m.undone]
        self.note_name(merge, others)
        returned = set()
        for thing in self.things:
            doubled = thing.kind == "phone" and thing.current
            if thing not in merge.moved or thing.owner != merge.survivor:
                continue
            if doubled and self.has_phone(merge.absorbed, thing.value):
                continue
            thing.owner = merge.absorbed
            returned.add(thing)
        known = merge.moved | merge.stays
        for other in others:
            known |= other.moved | other.stays
        for thing in self.things:
            about = thing.line and thing.line.owner == merge.absorbed
            if thing.owner == merge.survivor and about and thing not in known:
                thing.owner = merge.absorbed
        for thing in self.things:  # what others could not bring while the same was here
            lacking = [m for m in others if m.absorbed == thing.owner]
            again = any(
                r.kind == "phone" and r.current and r.value == thing.value for r in returned
            )
            if not (thing.kind == "phone" and thing.current and lacking and again):
                continue
            if not self.has_phone(merge.survivor, thing.value):
                lacking[0].moved.add(thing)
                thing.owner = merge.survivor

    def note_name(self, merge, others):
        if merge.renamed is None:
            return
        before, after = merge.renamed
        if self.names[merge.survivor] == after:
            self.names[merge.survivor] = before
            return
        for other in others:
            if other.pk > merge.pk and other.renamed and other.renamed[0] == after:
                other.renamed[0] = before
                return

    # What must hold

    @invariant()
    def everything_is_where_the_model_says(self):
        for thing in self.things:
            if thing.kind == "phone":
                owner = ContactMedium.objects.get(pk=thing.row.pk).party_id
                assert owner == self.customers[thing.owner].party_id, thing.kind
            else:
                owner = type(thing.row).objects.get(pk=thing.row.pk).customer_id
                assert owner == self.customers[thing.owner].pk, thing.kind

    @invariant()
    def nothing_is_lost_or_doubled(self):
        kinds = [t.kind for t in self.things]
        assert Subscriber.objects.count() == kinds.count("line")
        assert Interaction.objects.count() == kinds.count("contact")
        assert ContactMedium.objects.count() == kinds.count("phone")

    @invariant()
    def every_line_has_one_customer_who_is_there(self):
        assert not Subscriber.objects.filter(customer__status=CustomerStatus.MERGED).exists()

    @invariant()
    def the_customers_are_as_the_model_says(self):
        for who, customer in enumerate(self.customers):
            now = Customer.objects.select_related("party").get(pk=customer.pk)
            root = self.root(who)
            assert now.merged_into_id == (self.customers[root].pk if root != who else None)
            assert now.party.name == self.names[who]

    @invariant()
    def every_number_finds_the_right_customer(self):
        for who, customer in enumerate(self.customers):
            keys = SearchKey.objects.filter(key=f"c{customer.number}")
            assert [k.customer_id for k in keys] == [self.customers[self.root(who)].pk]


TestMergesInAnyOrder = pytest.mark.django_db(MergesInAnyOrder.TestCase)
MergesInAnyOrder.TestCase.settings = settings(
    max_examples=int(os.environ.get("MERGE_EXAMPLES", "30")),
    stateful_step_count=25,
    deadline=None,
    derandomize="MERGE_EXAMPLES" not in os.environ,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
