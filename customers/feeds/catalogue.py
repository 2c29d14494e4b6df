"""The feeds of customers, in the order in which one leans on the other."""

from crm.platform.feeds.definition import register
from customers.feeds import reasons
from customers.feeds.accounts import AccountsFeed
from customers.feeds.bills import BillsFeed
from customers.feeds.customers import CustomersFeed
from customers.feeds.interactions import InteractionsFeed
from customers.feeds.payments import PaymentsFeed
from customers.feeds.subscribers import SubscribersFeed
from customers.feeds.usage import UsageFeed

__all__ = ["reasons"]

for feed in (
    CustomersFeed(),
    AccountsFeed(),
    SubscribersFeed(),
    UsageFeed(),
    BillsFeed(),
    PaymentsFeed(),
    InteractionsFeed(),
):
    register(feed)
