"""The fields of a customer that are masked until somebody says why they need one."""

from dataclasses import dataclass

from crm.platform.access.masking import FieldClass, mask
from customers.models import ContactMedium, Customer, MediumKind, PartyKind, Subscriber

CLASS_OF_MEDIUM = {
    MediumKind.PHONE: FieldClass.PHONE,
    MediumKind.EMAIL: FieldClass.EMAIL,
    MediumKind.ADDRESS: FieldClass.ADDRESS,
    MediumKind.WECHAT: FieldClass.PHONE,
}


@dataclass(frozen=True)
class HiddenField:
    """One field: its name in addresses ("name", "line-7", "medium-12"), class and value."""

    name: str
    field_class: FieldClass
    value: str

    @property
    def masked(self) -> str:
        return mask(self.value, self.field_class)


def name_of(customer: Customer) -> HiddenField:
    """Return the customer's name; an organisation's is no secret and its class says so."""
    is_person = customer.party.kind == PartyKind.INDIVIDUAL
    kind = FieldClass.PERSON_NAME if is_person else FieldClass.ORG_NAME
    return HiddenField("name", kind, customer.party.name)


def number_of(line: Subscriber) -> HiddenField:
    return HiddenField(f"line-{line.pk}", FieldClass.PHONE, line.service_number)


def value_of(*, medium_id: int, kind: str, value: str) -> HiddenField:
    return HiddenField(f"medium-{medium_id}", CLASS_OF_MEDIUM[MediumKind(kind)], value)


def hidden_field(*, customer: Customer, name: str) -> HiddenField:
    """
    Return the field of that name. Document numbers are not among them: the system compares.

    :raises Subscriber.DoesNotExist, ContactMedium.DoesNotExist: if it is not this customer's.
    :raises ValueError: for a name that no field has.
    """
    if name == "name":
        return name_of(customer)
    kind, _, pk = name.partition("-")
    if kind == "line":
        return number_of(Subscriber.objects.get(customer=customer, pk=int(pk)))
    if kind == "medium":
        medium = ContactMedium.objects.get(party=customer.party_id, pk=int(pk))
        return value_of(medium_id=medium.pk, kind=medium.kind, value=medium.value)
    raise ValueError(f"no field is called {name!r}")
