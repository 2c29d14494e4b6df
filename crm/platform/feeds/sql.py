"""Pieces of SQL that feeds write often."""

from datetime import date


def literal(text: str) -> str:
    """Return text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def day(value: date | None) -> str:
    """Return a date as an SQL literal, NULL for none."""
    return f"DATE '{value.isoformat()}'" if value else "NULL::date"


def findings(*rules: tuple[str, ...]) -> str:
    """
    Return the expression of what is wrong with a row, as text[].

    Each rule is (condition, column, code) or (condition, column, code, detail expression).
    """
    cases = []
    for condition, column, code, *detail in rules:
        packed = literal(f"{column}|{code}|")
        if detail:
            packed += f" || coalesce(({detail[0]})::text, '')"
        cases.append(f"CASE WHEN {condition} THEN {packed} END")
    return f"array_remove(ARRAY[{', '.join(cases)}]::text[], NULL)"
