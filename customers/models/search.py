from django.db import models


class SearchKey(models.Model):
    """
    One way to find a customer, as a prefix of `key` (see `customers.search` for the kinds).

    `key` is one letter for the kind and the folded value: "p13812345678" a phone, "r" the same
    digits reversed (so a tail is a prefix), "d" an identity hash, "a" an account, "c" a customer
    number, "s" a subscriber number, "n" a name and each suffix of it, "y" its pinyin, "i" its
    initials. One index serves them all; the collation is C so that LIKE 'x%' is a range of it.
    """

    pk = models.CompositePrimaryKey("key", "customer_id")
    key = models.CharField(max_length=120, db_collation="C")
    customer_id = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(name="searchkey_of_customer", fields=["customer_id"])]

    def __str__(self) -> str:
        return f"{self.key[:1]} of {self.customer_id}"
