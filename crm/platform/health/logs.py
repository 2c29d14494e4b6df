"""One line for each thing logged: JSON for what we say, plain text for requests answered."""

import json
import logging
from datetime import UTC, datetime


class JsonLine(logging.Formatter):
    """Format a record as one line; a line break inside a value stays inside its quotes."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        if request_id := getattr(record, "request_id", ""):
            line["request"] = request_id
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class PlainLine(logging.Formatter):
    """
    Format a record as one line of bounded length, whatever a sender put into its address: a
    line break there would pass for a line of ours, and an escape code for the reader's own.
    """

    FIRST, LAST = 900, 100

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        if len(line) > self.FIRST + self.LAST:
            line = f"{line[: self.FIRST]}…{line[-self.LAST :]}"
        return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
