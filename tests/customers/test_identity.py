from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.identity import (
    IdentityFault,
    check_number,
    decrypt_number,
    encrypt_number,
    hash_number,
    id_card_check_digit,
    uscc_check_character,
)

TODAY = date(2026, 11, 21)
USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@pytest.mark.parametrize(
    "number",
    [
        "11010519491231002X",
        "11010519491231002x",
        "440524188001010014",
        "320102199003070017",
        "320106201006150026",
        "320102200402291234",
    ],
)
def test_a_resident_card_with_a_right_check_digit_passes(number):
    assert check_number("ID_CARD", number, on=TODAY) == number.upper()


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("320102201502291236", "no day of the calendar"),
        ("110105194912310021", "typing error"),
        ("11010519491231002", "has 17"),
        ("1101051949123100211", "has 19"),
        ("32010220300307001X", "future"),
        ("３２0102199003070017", "17 digits and a last digit"),
    ],
)
def test_a_resident_card_that_cannot_be_one_is_refused_with_the_reason(number, why):
    with pytest.raises(IdentityFault, match=why) as refusal:
        check_number("ID_CARD", number, on=TODAY)
    assert number not in str(refusal.value)


def test_a_credit_code_follows_gb_32100():
    assert check_number("BUSINESS_LICENCE", "91350100M000100Y43", on=TODAY)
    with pytest.raises(IdentityFault, match="typing error"):
        check_number("BUSINESS_LICENCE", "91350100M000100Y44", on=TODAY)
    with pytest.raises(IdentityFault, match="except I, O, S, V, Z"):
        check_number("BUSINESS_LICENCE", "91350100I000100Y43", on=TODAY)


@given(st.text("0123456789", min_size=17, max_size=17), st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_never_passes_the_card_check(first_17, place, shift):
    wrong = str((int(first_17[place]) + shift) % 10)
    other = first_17[:place] + wrong + first_17[place + 1 :]

    assert id_card_check_digit(other) != id_card_check_digit(first_17)


@given(st.text(USCC, min_size=17, max_size=17), st.integers(0, 16), st.sampled_from(USCC))
def test_one_wrong_character_never_passes_the_credit_code_check(first_17, place, wrong):
    other = first_17[:place] + wrong + first_17[place + 1 :]

    same = uscc_check_character(other) == uscc_check_character(first_17)
    assert same == (other == first_17)


def test_a_number_is_sealed_differently_each_time_and_opens_again(settings):
    first, second = encrypt_number("11010519491231002X"), encrypt_number("11010519491231002X")

    assert first != second
    assert b"11010519491231002X" not in first
    assert decrypt_number(first) == decrypt_number(second) == "11010519491231002X"


def test_a_number_sealed_under_the_old_key_opens_after_rotation(settings):
    settings.FIELD_KEYS = ["the old key, long enough to be one"]
    sealed = encrypt_number("E12345678")

    settings.FIELD_KEYS = ["the new key, long enough to be one", *settings.FIELD_KEYS]
    assert decrypt_number(sealed) == "E12345678"
    settings.FIELD_KEYS = settings.FIELD_KEYS[:1]
    with pytest.raises(KeyError):
        decrypt_number(sealed)


def test_the_hash_finds_the_same_document_and_tells_kinds_apart():
    assert hash_number("PASSPORT", "E12345678") == hash_number("PASSPORT", "E12345678")
    assert hash_number("PASSPORT", "E12345678") != hash_number("OTHER", "E12345678")
    assert len(hash_number("PASSPORT", "E12345678")) == 16
