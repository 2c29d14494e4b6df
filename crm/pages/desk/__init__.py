"""
The first page of each role, put together from panels.

A panel is a question asked of the rooms below, and a template that shows the answer. It is
left out where the account lacks its permission. Somebody with two roles has both desks in one.
"""

from django.utils.translation import gettext_lazy as _

from crm.pages.desk import figures, notes, oversight, people, work
from crm.pages.desk.panel import Panel

SEARCH = Panel("search", _("Find a customer"), people.nothing, "customers.search_customer")
RECENT = Panel("recent", _("Your latest customers"), people.recent, "customers.view_customer")
MENTIONS = Panel("mentions", _("Notes that name you"), notes.mentions, "customers.view_note")
ENDING = Panel("ending", _("Contracts that end soon"), people.ending, "customers.view_customer")
ASSIGNED = Panel("assigned", _("Your customers"), people.assigned, "customers.view_customer")
UNIT = Panel("unit", _("What your unit looked at today"), oversight.unit_today)
ACCESS = Panel("access", _("Access today"), oversight.access_today, "audit.view_accessrecord")
BUSIEST = Panel(
    "busiest", _("Who looked most today"), oversight.busiest_today, "audit.view_accessrecord"
)
REJECTS = Panel("rejects", _("Deliveries that need you"), work.troubled_batches, "feeds.view_batch")
FEEDS = Panel("feeds", _("Latest delivery of each feed"), work.latest_batches, "feeds.view_batch")
FAILED = Panel("failed", _("Jobs that failed"), work.failed_jobs, "jobs.view_all")
JOBS = Panel("jobs", _("Your jobs"), work.own_jobs)
MODELS = Panel("models", _("Churn models"), figures.models, "analytics.view_churnmodel")
ROLES = Panel("roles", _("Roles and their people"), oversight.roles)
STAFF = Panel("staff", _("Newest accounts"), oversight.staff)

DESKS: dict[str, list[Panel]] = {
    "clerk": [SEARCH, MENTIONS, RECENT],
    "agent": [SEARCH, MENTIONS, RECENT],
    "hallmanager": [SEARCH, MENTIONS, UNIT, RECENT],
    "teamlead": [SEARCH, MENTIONS, UNIT, RECENT],
    "accountmanager": [SEARCH, MENTIONS, ASSIGNED, ENDING],
    "dispatcher": [SEARCH, MENTIONS, REJECTS, FAILED, RECENT],
    "marketer": [MODELS, JOBS],
    "analyst": [MODELS, FEEDS, JOBS],
    "auditor": [ACCESS, SEARCH, BUSIEST],
    "manager": [SEARCH, MODELS, FEEDS],
    "admin": [ROLES, STAFF, FAILED, FEEDS],
}
