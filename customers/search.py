"""
Finding a customer by whatever they can tell: one idea, prefixes of keys.

A customer has a dozen keys (see `keys_for`), each one letter for the kind and the folded value.
What a person types becomes prefixes of the same form (`query_keys`), and one index answers.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from pypinyin import Style, lazy_pinyin

from customers.identity import hash_number
from customers.models.party import IdentificationKind

_CHINESE = re.compile(r"[\u3400-\u9fff]")
_MAX_KEY = 120
_MAX_SUFFIXES = 24
# Surnames whose reading is not the common one of the character.
_SURNAME_READINGS = {
    "单": "shan", "解": "xie", "查": "zha", "曾": "zeng", "仇": "qiu", "朴": "piao", "区": "ou",
    "任": "ren", "盖": "ge", "尉迟": "yuchi", "万俟": "moqi", "冼": "xian", "乐": "yue",
}  # fmt: skip


@dataclass(frozen=True)
class Prefix:
    """What to look for: a prefix of `key`, and whether the whole key must be equal."""

    kind: str
    text: str
    exact: bool


def fold(text: str) -> str:
    """Return the text as keys hold it: compatibility form, lower case, no blanks or marks."""
    if text.isascii() and text.isalnum():  # most numbers are; a million customers have millions
        return text.lower()
    text = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in text if c.isalnum())


def fold_phone(text: str) -> str:
    """Return the digits of a phone number without the country code of the mainland."""
    digits = text
    if not (text.isascii() and text.isdigit()):
        digits = "".join(c for c in unicodedata.normalize("NFKC", text) if c in "0123456789")
    for code in ("0086", "86"):
        rest = digits.removeprefix(code)
        if rest != digits and len(rest) == 11 and rest.startswith("1"):
            return rest
    return digits


@cache
def _reading(character: str) -> str:
    return lazy_pinyin(character, style=Style.NORMAL)[0]


def _syllables(name: str) -> list[str]:
    for surname in (name[:2], name[:1]):
        if reading := _SURNAME_READINGS.get(surname):
            return [reading, *map(_reading, name[len(surname) :])]
    return [_reading(character) for character in name]


def sort_key(name: str) -> str:
    """Return what lists of names sort by: pinyin with a blank between syllables, or the fold."""
    if _CHINESE.search(name):
        return " ".join(_syllables(name)).casefold()[:200]
    return unicodedata.normalize("NFKC", name).casefold()[:200]


def _name_keys(name: str) -> Iterable[str]:
    folded = fold(name)
    if _CHINESE.search(name):
        starts = range(min(len(folded), _MAX_SUFFIXES))
        syllables = _syllables(folded)
        yield from (f"n{folded[i:]}" for i in starts)
        yield f"y{''.join(syllables)}"
        if len(syllables) > 1:
            yield f"y{''.join(syllables[1:])}"
        yield f"i{''.join(s[:1] for s in syllables)}"
        return
    words = [fold(word) for word in name.split()]
    yield from (f"n{''.join(words[i:])}" for i in range(min(len(words), _MAX_SUFFIXES)))
    if len(words) > 1:
        yield f"i{''.join(word[:1] for word in words)}"


def keys_for(
    *,
    number: str,
    name: str,
    phones: Iterable[str] = (),
    accounts: Iterable[str] = (),
    subscribers: Iterable[str] = (),
    id_hashes: Iterable[bytes] = (),
    former_numbers: Iterable[str] = (),
) -> list[str]:
    """Return every search key of one customer, each once. Kinds: see SearchKey."""
    keys = [f"c{fold(number)}"]
    keys += [f"c{fold(former)}" for former in former_numbers]
    keys += [f"a{fold(account)}" for account in accounts]
    keys += [f"s{fold(subscriber)}" for subscriber in subscribers]
    keys += [f"d{id_hash.hex()}" for id_hash in id_hashes]
    for phone in phones:
        if digits := fold_phone(phone):
            keys += [f"p{digits}", f"r{digits[::-1]}"]
    keys += _name_keys(name)
    return list(dict.fromkeys(key[:_MAX_KEY] for key in keys if len(key) > 1))


def query_keys(text: str) -> list[Prefix]:
    """
    Return what to look for when a person typed `text`, the likeliest first.

    Digits are a phone from the front or (four and more) its tail; eighteen characters may be
    an identity card or credit code; anything may be an account, customer or subscriber number;
    letters may be pinyin or initials; Chinese characters are part of a name.
    """
    folded, digits = fold(text), fold_phone(text)
    if not folded:
        return []
    if _CHINESE.search(folded):
        return [Prefix("name", f"n{folded}"[:_MAX_KEY], exact=False)]
    found = [
        Prefix("customer", f"c{folded}", exact=True),
        Prefix("account", f"a{folded}", exact=True),
        Prefix("subscriber", f"s{folded}", exact=True),
    ]
    if len(folded) >= 5:
        found += [
            Prefix("identity", f"d{hash_number(kind, folded.upper()).hex()}", exact=True)
            for kind in IdentificationKind.values
        ]
    if not re.search(r"[^\d\s+()\-]", unicodedata.normalize("NFKC", text)):
        if len(digits) >= 3:
            found.append(Prefix("phone", f"p{digits}", exact=len(digits) == 11))
        if 4 <= len(digits) < 11:
            found.append(Prefix("tail", f"r{digits[::-1]}", exact=False))
    elif folded.isalpha():
        found += [
            Prefix("name", f"n{folded}", exact=False),
            Prefix("pinyin", f"y{folded}", exact=False),
            Prefix("initials", f"i{folded}", exact=False),
        ]
    if len(folded) >= 4:
        found += [
            Prefix("customer", f"c{folded}", exact=False),
            Prefix("account", f"a{folded}", exact=False),
        ]
    return found
