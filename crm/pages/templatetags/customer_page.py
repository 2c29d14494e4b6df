"""Template tags of the customer page."""

from django import template
from django.template.context import Context
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from customers.selectors import HiddenField

register = template.Library()
_WITH_LINK = (
    '<span class="field">{} <a class="field-show" href="{}" hx-get="{}"'
    ' hx-target="closest .field" hx-swap="outerHTML">{}</a></span>'
)


@register.filter
def name_in(staff_id: int | None, names: dict[int, str]) -> str:
    """Return the name of a member of staff among those read together; nothing for nobody."""
    return names.get(staff_id or 0, "")


@register.simple_tag(takes_context=True)
def masked_field(context: Context, field: HiddenField) -> SafeString:
    """
    A field of `customer` as all may see it, with what shows it to those who may ask: what it
    is now, so not on a page of the past.
    """
    masked = field.masked
    if (
        masked == field.value
        or context.get("past")
        or not context["user"].has_perm("customers.unmask_contact")
    ):
        return format_html('<span class="field">{}</span>', masked)
    number = context["customer"].number
    url = reverse("pages:unmask", kwargs={"number": number, "name": field.name})
    return format_html(_WITH_LINK, masked, url, url, gettext("show"))
