from customers.models.account import (
    PAY_METHOD_NAMES,
    AccountStatus,
    BillingAccount,
    PayRelation,
    PayType,
)
from customers.models.billing import Bill, MonthlyUsage, Payment, PaymentChannel
from customers.models.churn import ChurnScore
from customers.models.customer import (
    CharacteristicEntity,
    CharacteristicSpec,
    CharacteristicType,
    Customer,
    CustomerCategory,
    CustomerStatus,
)
from customers.models.interaction import Channel, Direction, Interaction, Purpose
from customers.models.party import (
    ContactMedium,
    IdentificationKind,
    MediumKind,
    Party,
    PartyIdentification,
    PartyKind,
    Sex,
)
from customers.models.search import SearchKey
from customers.models.subscriber import (
    PRODUCT_NAMES,
    EndReason,
    ServiceStop,
    StopReason,
    Subscriber,
    SubscriberStatus,
    SubscriberStatusPeriod,
)

__all__ = [
    "PAY_METHOD_NAMES",
    "PRODUCT_NAMES",
    "AccountStatus",
    "Bill",
    "BillingAccount",
    "Channel",
    "CharacteristicEntity",
    "CharacteristicSpec",
    "CharacteristicType",
    "ChurnScore",
    "ContactMedium",
    "Customer",
    "CustomerCategory",
    "CustomerStatus",
    "Direction",
    "EndReason",
    "IdentificationKind",
    "Interaction",
    "MediumKind",
    "MonthlyUsage",
    "Party",
    "PartyIdentification",
    "PartyKind",
    "PayRelation",
    "PayType",
    "Payment",
    "PaymentChannel",
    "Purpose",
    "SearchKey",
    "ServiceStop",
    "Sex",
    "StopReason",
    "Subscriber",
    "SubscriberStatus",
    "SubscriberStatusPeriod",
]
