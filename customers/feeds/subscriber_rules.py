"""What may be wrong with what a row says of a subscriber `u`, if it is known already."""

STATUS_SAID = "CASE WHEN s.ended_on IS NOT NULL THEN 'TERMINATED' ELSE s.subscriber_status END"


def subscriber_findings(*, opened: str) -> tuple[tuple[str, ...], ...]:
    """Return the rules; `live` is who holds the row's service number now."""
    return (
        (
            "live.id IS DISTINCT FROM u.id AND live.id IS NOT NULL AND s.ended_on IS NULL"
            " AND s.subscriber_number IS NOT NULL AND u.ended_on IS NULL"
            " AND (u.id IS NULL OR s.service_number IS NOT NULL)",
            "service_number",
            "number_in_use",
        ),
        (
            "s.subscriber_status = 'TERMINATED' AND s.ended_on IS NULL AND u.ended_on IS NULL",
            "ended_on",
            "ended_on_missing",
        ),
        (
            "u.ended_on IS NOT NULL AND s.subscriber_status <> 'TERMINATED'",
            "subscriber_status",
            "has_ended",
            "u.ended_on",
        ),
        (
            f"coalesce(s.ended_on, u.ended_on) < {opened}",
            "ended_on",
            "ends_before_it_opens",
            opened,
        ),
    )
