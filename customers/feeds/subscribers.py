"""The feed of subscribers: further lines of known customers, and changes of their status."""

_OPENED = "coalesce(s.subscriber_opened_on, u.opened_on, s.opened_on)"
STATUS_SAID = "CASE WHEN s.ended_on IS NOT NULL THEN 'TERMINATED' ELSE s.subscriber_status END"
SUBSCRIBER_FINDINGS = (
    ("live.id IS DISTINCT FROM u.id AND live.id IS NOT NULL AND s.ended_on IS NULL"
     " AND s.subscriber_number IS NOT NULL AND u.ended_on IS NULL",
     "service_number", "number_in_use"),
    ("s.subscriber_status = 'TERMINATED' AND s.ended_on IS NULL AND u.ended_on IS NULL",
     "ended_on", "ended_on_missing"),
    ("u.ended_on IS NOT NULL AND s.subscriber_status <> 'TERMINATED' AND s.ended_on IS NULL",
     "subscriber_status", "has_ended", "u.ended_on"),
    (f"s.ended_on < {_OPENED}", "ended_on", "ends_before_it_opens", _OPENED),
)  # fmt: skip
