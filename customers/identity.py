"""
Identity documents: their check digits, and how their numbers are kept.

A number is stored encrypted (AES-256-GCM under a named key, so keys can be rotated), beside a
keyed hash that finds it again without decrypting anything. Passing a check here is validity of
*form* only; that the document is real is for the reader and the register to say.
"""

import hmac
import os
import re
from datetime import date
from functools import cache

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.translation import gettext as _

from crm.platform.errors import DomainError
from customers.models.party import IdentificationKind

_FORMAT = b"\x01"
_CONTEXT = b"customers.identification"
_KEY_ID_BYTES = 4
_NONCE_BYTES = 12

_ID_CARD_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CARD_CHECKS = "10X98765432"
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = tuple(3**i % 31 for i in range(17))
_OTHER_SHAPE = re.compile(r"[0-9A-Z()（）\-]{5,30}", re.ASCII)


class IdentityFault(DomainError):
    """The document number cannot be one: the message says what is wrong with it."""

    code = "identity_number_invalid"


def check_number(kind: str, number: str, *, on: date) -> str:
    """
    Return the number in its normal form (upper case, no blanks).

    `on` is the day of the check: a birth date after it is refused. An 18-digit resident card
    follows GB 11643, a unified social credit code GB 32100; other kinds are checked for shape.

    :raises IdentityFault: with a sentence that names the fault, never the number.
    """
    number = "".join(number.split()).upper()
    if kind in (IdentificationKind.ID_CARD, IdentificationKind.RESIDENCE_PERMIT):
        _check_id_card(number, on)
    elif kind == IdentificationKind.BUSINESS_LICENCE:
        _check_uscc(number)
    elif not _OTHER_SHAPE.fullmatch(number):
        raise IdentityFault(_("The document number must be 5 to 30 letters and digits."))
    return number


def _check_id_card(number: str, on: date) -> None:
    if len(number) != 18:
        raise IdentityFault(
            _("An identity card number has 18 characters; this one has %(n)d.") % {"n": len(number)}
        )
    if not re.fullmatch(r"[0-9]{17}[0-9X]", number, re.ASCII):
        raise IdentityFault(
            _("An identity card number is 17 digits and a last digit or X; this one is not.")
        )
    birth = birth_date_of(number)
    if birth is None:
        raise IdentityFault(_("The birth date inside the number is no day of the calendar."))
    if birth > on:
        raise IdentityFault(_("The birth date inside the number lies in the future."))
    if id_card_check_digit(number[:17]) != number[17]:
        raise IdentityFault(_("The last character does not match the other 17: a typing error."))


def _check_uscc(number: str) -> None:
    if len(number) != 18:
        raise IdentityFault(
            _("A social credit code has 18 characters; this one has %(n)d.") % {"n": len(number)}
        )
    if not set(number) <= set(_USCC_ALPHABET):
        raise IdentityFault(_("A social credit code has digits and letters except I, O, S, V, Z."))
    if uscc_check_character(number[:17]) != number[17]:
        raise IdentityFault(_("The last character does not match the other 17: a typing error."))


def id_card_check_digit(first_17: str) -> str:
    """Return the 18th character of a resident card for its first 17 digits (GB 11643)."""
    total = sum(int(d) * w for d, w in zip(first_17, _ID_CARD_WEIGHTS, strict=True))
    return _ID_CARD_CHECKS[total % 11]


def uscc_check_character(first_17: str) -> str:
    """Return the 18th character of a social credit code for its first 17 (GB 32100)."""
    values = (_USCC_ALPHABET.index(c) for c in first_17)
    total = sum(v * w for v, w in zip(values, _USCC_WEIGHTS, strict=True))
    return _USCC_ALPHABET[-total % 31]


def birth_date_of(id_card: str) -> date | None:
    """Return the birth date inside an 18-character resident card, or None if it is no date."""
    try:
        return date(int(id_card[6:10]), int(id_card[10:12]), int(id_card[12:14]))
    except ValueError:
        return None


@cache
def _cipher(secret: str) -> tuple[bytes, AESGCM]:
    """Return the key id (4 bytes that tell nothing of the key) and the cipher of a secret."""
    derived = HKDF(SHA256(), length=36, salt=None, info=_CONTEXT).derive(secret.encode())
    return derived[:_KEY_ID_BYTES], AESGCM(derived[_KEY_ID_BYTES:])


def encrypt_number(number: str) -> bytes:
    """Return format byte, key id, nonce and ciphertext; never the same bytes twice."""
    key_id, cipher = _cipher(settings.FIELD_KEYS[0])
    nonce = os.urandom(_NONCE_BYTES)
    return _FORMAT + key_id + nonce + cipher.encrypt(nonce, number.encode(), _CONTEXT)


def decrypt_number(stored: bytes) -> str:
    """
    Return the number that `encrypt_number` kept.

    :raises KeyError: if the key that sealed it is no longer among FIELD_KEYS.
    """
    key_id, nonce, sealed = _split(bytes(stored))
    ciphers = dict(_cipher(secret) for secret in settings.FIELD_KEYS)
    return ciphers[key_id].decrypt(nonce, sealed, _CONTEXT).decode()


def _split(stored: bytes) -> tuple[bytes, bytes, bytes]:
    start = len(_FORMAT) + _KEY_ID_BYTES
    return (
        stored[len(_FORMAT) : start],
        stored[start:][:_NONCE_BYTES],
        stored[start:][_NONCE_BYTES:],
    )


def hash_number(kind: str, number: str) -> bytes:
    """Return 16 bytes that are equal for equal documents and tell nothing without the key."""
    return hmac.digest(settings.HASH_KEY.encode(), f"{kind}:{number}".encode(), "sha256")[:16]
