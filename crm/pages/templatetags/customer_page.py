"""Template tags of the customer page."""

from django import template
from django.template.context import Context
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from customers.models import Channel
from customers.selectors import HiddenField

register = template.Library()
_ICONS = {
    Channel.CALL: "phone",
    Channel.IVR: "phone",
    Channel.COUNTER: "building-store",
    Channel.SMS: "message-2",
    Channel.EMAIL: "mail",
    Channel.VISIT: "walk",
}
_WITH_LINK = (
    '<span class="field">{} <a class="field-show" href="{}" hx-get="{}"'
    ' hx-target="closest .field" hx-swap="outerHTML">{}</a></span>'
)


@register.filter
def channel_icon(channel: str) -> str:
    """Return the icon of a contact's channel; everything on a screen of theirs has one."""
    return _ICONS.get(Channel(channel), "device-mobile")


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
