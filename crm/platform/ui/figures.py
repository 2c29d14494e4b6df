"""How figures are written, the same in pages, charts and files."""

from decimal import ROUND_HALF_UP, Decimal

MINUS = "\N{MINUS SIGN}"


def money(fen: int) -> str:
    """Return fen as "¥1,234.50", below zero "−¥38.20"."""
    yuan, rest = divmod(abs(int(fen)), 100)
    return f"{MINUS if fen < 0 else ''}¥{yuan:,}.{rest:02d}"


def quantity(value: float) -> str:
    """Return a number with thousands separators and at most two decimals, halves away from 0."""
    rounded = Decimal(str(value)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    text = f"{abs(rounded):,.2f}".rstrip("0").rstrip(".")
    return f"{MINUS if rounded < 0 else ''}{text}"


def percent(share: float) -> str:
    """Return a share of one as a percentage with one decimal: 0.1234 is "12.3%"."""
    return f"{MINUS if share < 0 else ''}{abs(share) * 100:.1f}%"
