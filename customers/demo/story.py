"""A chunk of customers with all that happens to them, and the rows that tell of it."""

from collections.abc import Iterator
from dataclasses import dataclass

from customers.demo import contacts, ledger, line_rows, party_rows, wishes
from customers.demo.behaviour import live
from customers.demo.life import Life
from customers.demo.lines import Lines, connect
from customers.demo.money import Money, settle
from customers.demo.people import People, Where, populate
from customers.demo.states import Endings, States, Stops, end, stop, trace
from customers.demo.structure import Chunk
from customers.demo.writer import Written
from customers.models import Purpose


@dataclass(frozen=True)
class Story:
    chunk: Chunk
    where: Where
    people: People
    lines: Lines
    life: Life
    endings: Endings
    stops: Stops
    states: States
    money: Money
    contacts: contacts.Columns

    @property
    def complaints(self) -> int:
        return int((self.contacts["purpose"] == Purpose.COMPLAINT).sum())


def tell(chunk: Chunk, where: Where) -> Story:
    """Make up a chunk: the same chunk of the same specification is always the same story."""
    people = populate(chunk, where)
    lines = connect(chunk, people, where)
    life = live(chunk, lines)
    endings = end(chunk, lines, life)
    stops = stop(chunk, lines, life, endings)
    return Story(
        chunk=chunk,
        where=where,
        people=people,
        lines=lines,
        life=life,
        endings=endings,
        stops=stops,
        states=trace(lines, endings, stops),
        money=settle(chunk, people, life),
        contacts=contacts.draw(chunk, people, lines, life, endings, where),
    )


def tables(story: Story) -> Iterator[Written]:
    """Lay the rows out, parents before children, one table in memory at a time."""
    chunk, people, lines, life = story.chunk, story.people, story.lines, story.life
    yield party_rows.parties(chunk, people)
    yield party_rows.customers(chunk, people, lines, story.endings, story.money)
    yield party_rows.identifications(chunk, people, story.where)
    yield from party_rows.media(chunk, people, lines, story.where)
    yield party_rows.search_keys(people, lines)
    yield from wishes.rows(chunk, people, story.where)
    yield line_rows.accounts(chunk, people, lines, life, story.endings, story.money)
    yield line_rows.subscribers(chunk, people, lines, story.endings, story.states)
    yield line_rows.pay_relations(chunk, people, lines, story.endings, story.where)
    yield line_rows.stops(chunk, lines, story.stops, story.where)
    yield line_rows.periods(chunk, lines, story.states, story.where)
    yield ledger.usage(chunk, people, lines, life)
    yield ledger.bills(chunk, people, life, story.money)
    yield from ledger.payments(chunk, people, story.money)
    yield contacts.rows(chunk, story.contacts, people, lines, story.endings)
