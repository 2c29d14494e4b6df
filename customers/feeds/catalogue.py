"""The feeds of customers, in the order in which one leans on the other."""

from crm.platform.feeds.definition import register
from customers.feeds import reasons
from customers.feeds.customers import CustomersFeed

__all__ = ["reasons"]

register(CustomersFeed())
