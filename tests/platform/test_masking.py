import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.platform.access.masking import FieldClass, mask


@pytest.mark.parametrize(
    ("field_class", "value", "shown"),
    [
        ("person_name", "张明", "张*"),
        ("person_name", "张小明", "张*明"),
        ("person_name", "欧阳小明", "欧**明"),
        ("person_name", "Ada Byron", "A** B***"),
        ("org_name", "晨星贸易有限公司", "晨星贸易有限公司"),
        ("id_number", "320102199003071234", "320102********1234"),
        ("phone", "13800138000", "138****8000"),
        ("phone", "+8613800138000", "138****8000"),
        ("phone", "025-84401234", "025-****234"),
        ("address", "南京市玄武区中山路18号2栋", "南京市玄武区中山路***"),
        ("email", "zhang@example.org", "z***@example.org"),
        ("bank_card", "6222020000001234", "**** 1234"),
        ("sim", "89860012345678901238", "****************1238"),
        ("birth_date", "1990-03-07", "1990"),
        ("phone", None, ""),
        ("phone", "", ""),
    ],
)
def test_each_class_has_its_shape(field_class, value, shown):
    assert mask(value, field_class) == shown


@given(st.text("0123456789", min_size=5, max_size=20))
def test_a_number_never_shows_more_than_seven_digits(number):
    assert sum(c.isdigit() for c in mask(number, FieldClass.PHONE)) <= 7


@given(st.text(min_size=2, max_size=30), st.sampled_from(sorted(FieldClass)))
def test_what_is_masked_is_never_the_value_itself(value, field_class):
    if field_class not in (FieldClass.ORG_NAME, FieldClass.BIRTH_DATE) and value.strip():
        assert mask(value, field_class) != value or "*" in value
