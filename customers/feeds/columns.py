"""Columns that several feeds share."""

from dataclasses import replace

from django.utils.translation import gettext_lazy as _

from crm.platform.access.masking import FieldClass
from crm.platform.feeds.columns import Column, Kind
from customers.models import (
    AccountStatus,
    CustomerCategory,
    CustomerStatus,
    EndReason,
    IdentificationKind,
    PartyKind,
    PayType,
    Sex,
    SubscriberStatus,
)

CUSTOMER_NUMBER = Column(
    name="customer_number",
    aliases=("customer", "number"),
    kind=Kind.CODE,
    length=32,
    required=True,
    meaning=_("the customer's number, unique for ever"),
)
SERVICE_NUMBER = Column(
    name="service_number",
    aliases=("msisdn", "phone_number"),
    kind=Kind.CODE,
    length=32,
    personal=FieldClass.PHONE,
    meaning=_("the number in service: a phone number, a line"),
)

OPTIONAL_CUSTOMER_NUMBER = replace(
    CUSTOMER_NUMBER, aliases=("customer",), required=False, meaning=_("the customer's number")
)

PARTY = (
    Column(name="name", kind=Kind.TEXT, personal=FieldClass.PERSON_NAME,
           meaning=_("name of the person or organisation; the number where it is blank")),
    Column(name="kind", kind=Kind.CHOICE, choices=tuple(PartyKind.values),
           meaning=_("person or organisation")),
    Column(name="sex", kind=Kind.CHOICE, choices=tuple(Sex.values), meaning=_("sex")),
    Column(name="birth_date", kind=Kind.DATE, personal=FieldClass.BIRTH_DATE,
           meaning=_("birth date; that of the identity card where it is blank")),
    Column(name="industry", kind=Kind.TEXT, length=60, meaning=_("industry of an organisation")),
    Column(name="legal_representative", kind=Kind.TEXT, length=100,
           personal=FieldClass.PERSON_NAME, meaning=_("legal representative")),
    Column(name="id_kind", kind=Kind.CHOICE, choices=tuple(IdentificationKind.values),
           meaning=_("kind of identity document; ID_CARD where only a number is given")),
    Column(name="id_number", kind=Kind.TEXT, length=40, personal=FieldClass.ID_NUMBER,
           meaning=_("number of the identity document, kept encrypted")),
    Column(name="id_issuer", kind=Kind.TEXT, length=100, meaning=_("who issued the document")),
    Column(name="id_valid_to", kind=Kind.DATE, meaning=_("last day of the document")),
    Column(name="phone", kind=Kind.TEXT, length=32, personal=FieldClass.PHONE,
           meaning=_("a phone number to reach them by")),
    Column(name="email", kind=Kind.TEXT, length=254, personal=FieldClass.EMAIL,
           meaning=_("an e-mail address")),
    Column(name="address", kind=Kind.TEXT, length=300, personal=FieldClass.ADDRESS,
           meaning=_("an address")),
)  # fmt: skip

CUSTOMER = (
    Column(name="category", kind=Kind.CHOICE, choices=tuple(CustomerCategory.values),
           meaning=_("category of the customer")),
    Column(name="customer_status", aliases=("status",), kind=Kind.CHOICE,
           choices=tuple(CustomerStatus.values), meaning=_("status of the customer")),
    Column(name="star", kind=Kind.INTEGER, most=7, meaning=_("stars, 0 to 7")),
    Column(name="home_org", kind=Kind.CODE, length=20,
           meaning=_("code of the organisation unit they belong to; the root where it is blank")),
    Column(name="manager", kind=Kind.CODE, length=40,
           meaning=_("staff code of the account manager")),
    Column(name="opened_on", kind=Kind.DATE, meaning=_("customer since")),
)  # fmt: skip

ACCOUNT = (
    Column(name="account_number", aliases=("account",), kind=Kind.CODE, length=32,
           meaning=_("the billing account's number, unique for ever")),
    Column(name="pay_type", kind=Kind.CHOICE, choices=tuple(PayType.values),
           meaning=_("prepaid or postpaid")),
    Column(name="pay_method", kind=Kind.TEXT, length=40, meaning=_("how they pay")),
    Column(name="cycle_day", kind=Kind.INTEGER, least=1, most=28,
           meaning=_("day of the month on which the billing cycle begins")),
    Column(name="account_status", kind=Kind.CHOICE, choices=tuple(AccountStatus.values),
           meaning=_("status of the account")),
    Column(name="credit_limit_fen", kind=Kind.INTEGER, meaning=_("credit limit in fen")),
    Column(name="balance_fen", kind=Kind.INTEGER, least=-(2**62),
           meaning=_("balance in fen, below zero when owed, as billing states it")),
    Column(name="billed_total_fen", kind=Kind.INTEGER, least=-(2**62),
           meaning=_("everything billed so far, in fen")),
    Column(name="balance_as_of", kind=Kind.MOMENT,
           meaning=_("when the balance was so; the mapping's as_of where it is blank")),
    Column(name="account_opened_on", kind=Kind.DATE, meaning=_("account since")),
    Column(name="account_closed_on", kind=Kind.DATE, meaning=_("account until")),
)  # fmt: skip

ACCOUNT_NUMBER = replace(
    ACCOUNT[0], aliases=("account",), meaning=_("the billing account's number")
)
REQUIRED_ACCOUNT_NUMBER = replace(ACCOUNT_NUMBER, required=True)

SUBSCRIBER = (
    Column(name="subscriber_number", aliases=("subscriber",), kind=Kind.CODE, length=32,
           meaning=_("the subscriber's number in the operator's systems, unique for ever")),
    SERVICE_NUMBER,
    Column(name="product", kind=Kind.CODE, length=40,
           meaning=_("product: mobile, broadband, fusion, …")),
    Column(name="plan_code", kind=Kind.CODE, length=40, meaning=_("code of the main plan")),
    Column(name="plan_name", kind=Kind.TEXT, length=100, meaning=_("name of the main plan")),
    Column(name="monthly_fee_fen", kind=Kind.INTEGER, meaning=_("monthly fee in fen")),
    Column(name="subscriber_opened_on", kind=Kind.DATE,
           meaning=_("in service since; the customer's opened_on where it is blank")),
    Column(name="contract_ends_on", kind=Kind.DATE, meaning=_("end of the contract term")),
    Column(name="subscriber_status", kind=Kind.CHOICE, choices=tuple(SubscriberStatus.values),
           meaning=_("status of the subscriber")),
    Column(name="status_since", kind=Kind.MOMENT,
           meaning=_("since when the status holds; when the file arrived where it is blank")),
    Column(name="ended_on", kind=Kind.DATE,
           meaning=_("first day without service; makes the status TERMINATED")),
    Column(name="end_reason", kind=Kind.CHOICE, choices=tuple(EndReason.values),
           meaning=_("why service ended")),
)  # fmt: skip
