import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.identity import hash_number
from customers.search import fold_phone, keys_for, query_keys, sort_key

WANG = {
    "number": "100000000017",
    "name": "王小明",
    "phones": ["+86 138-1234-5678"],
    "accounts": ["A2000017"],
    "subscribers": ["S300017"],
    "id_hashes": [hash_number("ID_CARD", "11010519491231002X")],
}


def found(text: str, customer: dict) -> bool:
    keys = keys_for(**customer)
    return any(
        key == prefix.text if prefix.exact else key.startswith(prefix.text)
        for prefix in query_keys(text)
        for key in keys
    )


@pytest.mark.parametrize(
    "typed",
    [
        "13812345678", "+86 138 1234 5678", "0086-13812345678", "１３８１２３４５６７８", "1381234",
        "5678", "345678", "11010519491231002X", "11010519491231002x", "A2000017", "a2000017",
        "100000000017", "S300017", "王", "王小", "小明", "明", "wangxiaoming", "wang xiao",
        "WangXiao", "xiaoming", "wxm", "WXM",
    ],
)  # fmt: skip
def test_a_customer_is_found_by_what_people_type(typed):
    assert found(typed, WANG)


@pytest.mark.parametrize("typed", ["", "  ", "13912345678", "5679", "王明", "张", "xm", "*", "%"])
def test_what_is_not_theirs_does_not_find_them(typed):
    assert not found(typed, WANG)


def test_a_latin_name_is_found_by_each_word_and_its_initials():
    ada = {"number": "7590-VHVEG", "name": "Ada Byron King"}

    assert all(found(typed, ada) for typed in ["ada", "Byron", "byron king", "abk", "7590-vhveg"])


def test_a_surname_is_read_as_a_surname():
    assert sort_key("单小明").startswith("shan ")
    assert sort_key("曾国") == "zeng guo"
    assert found("zengguo", {"number": "1", "name": "曾国"})


@given(st.text("0123456789", min_size=10, max_size=10), st.integers(4, 11))
def test_every_tail_and_every_front_of_a_number_finds_it(rest, length):
    phone = f"1{rest}"
    customer = {"number": "C1", "name": "王", "phones": [phone]}

    assert found(phone[-length:], customer)
    assert found(phone[:length], customer)


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_breaks_the_keys(name, typed):
    keys = keys_for(number="C1", name=name, phones=[typed])

    assert len(keys) == len(set(keys))
    assert all(2 <= len(key) <= 120 for key in keys)
    query_keys(typed)


def test_the_country_code_goes_only_where_it_is_one():
    assert fold_phone("+86 13812345678") == "13812345678"
    assert fold_phone("8613812345678") == "13812345678"
    assert fold_phone("86123456") == "86123456"
