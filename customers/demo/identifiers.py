"""
Numbers that pass every check and can belong to nobody.

* Identity cards: the six-digit administrative codes begin with 99, which no province has.
  The number is unique by construction up to five million people.
* Credit codes: the same 99 as administrative code; the organisation code inside passes its own
  check (GB 11714), the whole passes GB 32100.
* Mobile numbers: the block 154, the one of 13x–19x that was left out when its neighbours
  150–159 were given to operators, so no phone rings. It matches 1[3-9] and nine digits, which
  is all that can be asked of a mainland number.
"""

import numpy as np
from numpy.typing import NDArray

from customers.demo.arrays import Bytes, Days, Flags, Whole
from customers.demo.writer import digits, fixed

MOBILE_BLOCK = b"154"
PEOPLE_AT_MOST = 5_000_000
_SEQUENCES_OF_A_SEX = 500
_CODES = 10_000
_ID_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
_ID_CHECKS = np.frombuffer(b"10X98765432", np.uint8)
_ORGANISATION_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2])
_ORGANISATION_CHECKS = np.frombuffer(b"0123456789X", np.uint8)
_USCC_ALPHABET = np.frombuffer(b"0123456789ABCDEFGHJKLMNPQRTUWXY", np.uint8)
_USCC_WEIGHTS = np.array([pow(3, place, 31) for place in range(17)])
_SPREAD = 61_803_399  # odd and no multiple of five: a permutation of any power of ten


def spread(values: Whole, size: int) -> Whole:
    """Shuffle 0 … size−1 (size: 5 or 10 times a power of ten) without ever repeating one."""
    return values * _SPREAD % size


def _figures(text: Bytes) -> Whole:
    return text.view(np.uint8).reshape(len(text), text.dtype.itemsize).astype(np.int64) - ord("0")


def _character(codes: NDArray[np.uint8]) -> Bytes:
    return np.ascontiguousarray(codes).view("S1")


def id_cards(
    *,
    serial: Whole,
    birth_date: Days,
    male: Flags,
) -> Bytes:
    """Return an identity card number for each person; `serial` is theirs alone."""
    shuffled = spread(serial, PEOPLE_AT_MOST)
    code = 990_000 + shuffled // _SEQUENCES_OF_A_SEX
    sequence = shuffled % _SEQUENCES_OF_A_SEX * 2 + male
    month = birth_date.astype("datetime64[M]")
    year = month.astype("datetime64[Y]").astype(np.int64) + 1970
    ymd = year * 10_000 + (month.astype(np.int64) % 12 + 1) * 100
    ymd += (birth_date - month.astype("datetime64[D]")).astype(np.int64) + 1
    first = fixed(digits(code, 6), digits(ymd, 8), digits(sequence, 3))
    check = _ID_CHECKS[_figures(first) @ _ID_WEIGHTS % 11]
    return fixed(first, _character(check))


def credit_codes(*, serial: Whole) -> Bytes:
    """Return a unified social credit code for each enterprise; `serial` is theirs alone."""
    organisation = digits(spread(serial, 10**8), 8)
    remainder = 11 - _figures(organisation) @ _ORGANISATION_WEIGHTS % 11
    check = _ORGANISATION_CHECKS[np.where(remainder == 11, 0, remainder)]
    code = digits(990_000 + serial % _CODES, 6)
    first = fixed(np.full(len(serial), b"91", "S2"), code, organisation, _character(check))
    values = np.searchsorted(_USCC_ALPHABET, first.view(np.uint8)).reshape(len(first), 17)
    last = _USCC_ALPHABET[-(values @ _USCC_WEIGHTS) % 31]
    return fixed(first, _character(last))


def mobile_numbers(serial: Whole) -> list[str]:
    """Return a mobile number for each line; `serial` is the line's alone."""
    return words(fixed(MOBILE_BLOCK, digits(spread(serial, 10**8), 8)))


def words(text: Bytes) -> list[str]:
    return [word.decode("ascii") for word in text.tolist()]
