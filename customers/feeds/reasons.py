"""Why a row of one of our feeds is rejected."""

from django.utils.translation import gettext_lazy as _

from crm.platform.feeds.reasons import add_reasons

add_reasons(
    {
        "identity_number": _("“%(column)s”: %(detail)s"),
        "unknown_customer": _("There is no customer “%(value)s”; send the customers first."),
        "unknown_account": _("There is no account “%(value)s”; send the accounts first."),
        "unknown_subscriber": _("There is no subscriber “%(value)s”; send the subscribers first."),
        "number_not_in_service": _("Nobody held the number “%(value)s” at that time."),
        "number_held_by_several": _("Several subscribers held the number “%(value)s” then."),
        "not_theirs": _("“%(value)s” belongs to another customer than the row says."),
        "account_of_another": _("Account “%(value)s” belongs to another customer."),
        "subscriber_of_another": _("Subscriber “%(value)s” belongs to another customer."),
        "number_in_use": _("The number “%(value)s” is in use by another subscriber."),
        "has_ended": _("The subscriber ended on %(detail)s. A new service is a new subscriber."),
        "ended_on_missing": _("A terminated subscriber needs “ended_on”."),
        "ends_before_it_opens": _("It would end before it began (%(detail)s)."),
        "unknown_org": _("There is no organisation unit “%(value)s”."),
        "unknown_staff": _("There is no staff code “%(value)s”."),
        "same_version_differs": _(
            "Version %(detail)s is known already and says something else. A correction needs a "
            "higher version."
        ),
        "older_version": _("Version %(detail)s, which is newer, is known already."),
        "no_account": _("No billing account pays for this subscriber."),
        "payment_differs": _("The payment is known already with another channel or reversal."),
        "amount_differs": _(
            "The payment is known already with %(detail)s fen. Send a reversal instead."
        ),
        "payment_elsewhere": _("The payment number is known already, paid at %(detail)s."),
        "reversal_of_unknown": _(
            "The payment it takes back, “%(value)s”, is not known. Send it again once that has "
            "arrived."
        ),
        "reversal_exceeds": _("It takes back more than the %(detail)s fen that were paid."),
        "negative_without_reversal": _("A negative amount must name the payment it takes back."),
        "zero_amount": _("A payment of nothing is none."),
        "items_do_not_add_up": _("The items add up to %(detail)s fen, not to the amount."),
    }
)
