from datetime import UTC, date, datetime, timedelta

import pytest
from django.template import Context, Template
from django.utils import timezone, translation

from crm.platform.ui import charts, figures


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


@pytest.mark.parametrize(
    ("fen", "written"),
    [(0, "¥0.00"), (123450, "¥1,234.50"), (-3820, "−¥38.20"), (5, "¥0.05"), (-5, "−¥0.05")],
)
def test_money_is_written_in_yuan_with_a_true_minus(fen, written):
    assert figures.money(fen) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [(1234.5, "1,234.5"), (0.125, "0.13"), (-2, "−2"), (-0.001, "0"), (10, "10"), (2.675, "2.68")],
)
def test_quantities_are_rounded_as_people_round(value, written):
    assert figures.quantity(value) == written


def rendered(template, **context):
    return Template("{% load crm_ui %}" + template).render(Context(context))


def test_masked_is_done_by_the_server():
    assert rendered("{{ v|masked:'phone' }}", v="13812345678") == "138****5678"


def test_a_moment_says_how_long_ago_and_keeps_the_exact_time():
    html = rendered("{{ v|moment }}", v=timezone.now() - timedelta(minutes=5, seconds=2))

    assert ">5 min ago</time>" in html
    assert 'title="' in html


def test_a_moment_of_last_year_shows_the_day():
    assert ">2019-03-01</time>" in rendered("{{ v|moment }}", v=datetime(2019, 3, 1, 4, tzinfo=UTC))
    assert ">2019-03-01</time>" in rendered("{{ v|moment }}", v=date(2019, 3, 1))


def test_nothing_stays_nothing():
    assert (
        rendered("[{{ v|moment }}{{ v|money }}{{ v|amount }}{{ v|masked:'phone' }}]", v=None)
        == "[]"
    )


def test_a_chart_carries_its_figures_as_a_table_and_a_sentence():
    option = charts.line(
        title="Bills", categories=["2026-01", "2026-02"], series={"Billed": [10, None]}, unit="¥"
    )

    html = rendered("{% chart option 'bills' %}", option=option)

    assert 'data-chart="bills"' in html
    assert '<script id="bills" type="application/json">' in html
    assert 'aria-label="Bills: 2026-01 to 2026-02; latest Billed –."' in html
    assert '<td class="number">10</td>' in html
    assert "Billed (¥)" in html


def test_what_a_chart_says_cannot_leave_its_script():
    option = charts.bar(title="</script>", categories=["<b>"], series={"</script>": [1]})

    html = rendered("{% chart option 'x' %}", option=option)

    assert html.count("</script>") == 1
    assert "<b>" not in html


def test_a_series_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="has 1 values, not 2"):
        charts.line(title="t", categories=["a", "b"], series={"s": [1]})


def test_a_histogram_names_its_bins():
    option = charts.histogram(title="t", edges=[0, 10, 20], counts=[3, 4], unit="score")

    assert option["xAxis"]["data"] == ["0–10", "10–20"]
    with pytest.raises(ValueError, match="one more edge"):
        charts.histogram(title="t", edges=[0, 1], counts=[1, 2])


def test_a_curve_of_a_thousand_points_has_a_short_table():
    points = [(i / 1000, i / 1000) for i in range(1001)]
    option = charts.xy_line(
        title="ROC", series={"model": points}, x_name="x", y_name="y", diagonal=True
    )

    assert len(option["series"]) == 2
    assert len(option["table"]["rows"]) < 70
    assert option["table"]["rows"][-1] == ["1", "model", "1"]
