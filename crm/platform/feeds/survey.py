"""
One look over a whole file before anything is done with it: is it text, in which encoding, cut
with which delimiter, whole or truncated, and what its header and its control totals say.

The file is read once, in blocks, whatever its size; its SHA-256 comes out of the same pass.
"""

import codecs
import csv
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.platform.feeds.definition import FeedRefused

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BLOCK = 1 << 20
LONGEST_ROW = 1 << 20
_TAIL = 4096
_MAGIC = (
    (b"PK\x03\x04", gettext_lazy("an Excel workbook or a zip archive")),
    (b"\xd0\xcf\x11\xe0", gettext_lazy("an old Excel workbook")),
    (b"%PDF", gettext_lazy("a PDF document")),
    (b"BZh", gettext_lazy("a bzip2 archive")),
    (b"7z\xbc\xaf", gettext_lazy("a 7-Zip archive")),
    (b"\xfd7zXZ", gettext_lazy("an xz archive")),
    (b"\x28\xb5\x2f\xfd", gettext_lazy("a Zstandard archive")),
    (b"PAR1", gettext_lazy("a Parquet file")),
)
_UNDECODED = re.compile("[\udc80-\udcff]")
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_TRAILER = re.compile(r"T([|,\t;])(\d+)\1(-?\d+)")


@dataclass(frozen=True)
class Control:
    """How many rows a file must have and what their amounts must add up to, in fen."""

    rows: int
    total: int
    said_by: str


@dataclass(frozen=True)
class Survey:
    """What is known of a file after one pass over it."""

    path: Path
    bytes: int
    sha256: str
    compressed: bool
    encoding: str
    carriage_returns_only: bool
    first_line: str
    trailer: str
    control: Control | None

    def opened(self) -> BinaryIO:
        """Open the file for reading, decompressed."""
        if self.compressed:
            return gzip.open(self.path, "rb")  # type: ignore[return-value]
        return self.path.open("rb")


class Cut(csv.Dialect):
    """How a file's lines are cut into cells; "" as quote takes quotation marks as they stand."""

    lineterminator = "\n"
    doublequote = True
    strict = True

    def __init__(self, delimiter: str, quote: str) -> None:
        self.delimiter = delimiter
        self.quotechar = quote or None
        self.quoting = csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE
        super().__init__()


class _Hashing(io.RawIOBase):
    """A file that computes its own hash while it is read."""

    def __init__(self, raw: BinaryIO) -> None:
        self.raw, self.hash, self.bytes = raw, hashlib.sha256(), 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer)
        block = self.raw.read(len(view))
        view[: len(block)] = block
        self.hash.update(block)
        self.bytes += len(block)
        return len(block)


class _Tally:
    """Counts what decides the encoding and the line ends, block by block."""

    def __init__(self) -> None:
        self._strict = codecs.getincrementaldecoder("utf-8")()
        self._loose = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._chinese = codecs.getincrementaldecoder("gb18030")()
        self.utf8 = self.gb18030 = True
        self.undecoded = self.decoded = 0
        self.line_feeds = self.returns = self.bytes = 0
        self.head, self.tail = b"", b""

    def add(self, block: bytes) -> None:
        if len(self.head) < LONGEST_ROW:
            self.head += block[: LONGEST_ROW - len(self.head)]
        self.tail = (self.tail + block)[-_TAIL:]
        self.bytes += len(block)
        self.line_feeds += block.count(b"\n")
        self.returns += block.count(b"\r")
        if self.utf8:
            try:
                self.decoded += _beyond_ascii(self._strict.decode(block))
            except UnicodeDecodeError:
                self.utf8 = False
        if not self.utf8:
            text = self._loose.decode(block)
            wrong = len(_UNDECODED.findall(text))
            self.undecoded += wrong
            self.decoded += _beyond_ascii(text) - wrong
            try:
                self._chinese.decode(block)
            except UnicodeDecodeError:
                self.gb18030 = False

    def encoding(self) -> str:
        """UTF-8 unless the file says otherwise: a few bad bytes in UTF-8 spoil only their rows."""
        if self.utf8 or self.undecoded * 10 < self.decoded or not self.gb18030:
            return "utf-8"
        return "gb18030"


def _beyond_ascii(text: str) -> int:
    return 0 if text.isascii() else len(text) - len(text.encode("ascii", "ignore"))


def survey(path: Path, *, most_bytes: int, encoding: str = "") -> Survey:
    """
    Look over a file once. `encoding` is what the mapping says, "" to find out.

    :raises FeedRefused: if it is missing, empty, no text, too big, or a truncated archive.
    """
    name = path.name
    try:
        with path.open("rb") as raw:
            hashing = _Hashing(raw)
            head = raw.read(8)
            raw.seek(0)
            _refuse_what_is_no_text(name, head)
            compressed = head.startswith(b"\x1f\x8b")
            tally = _Tally()
            for block in _blocks(hashing, compressed, name):
                tally.add(block)
                if tally.bytes > most_bytes:
                    raise FeedRefused(
                        _("%(name)s is larger than %(most)d MB, which is the limit.")
                        % {"name": name, "most": most_bytes >> 20}
                    )
    except OSError as error:
        raise FeedRefused(
            _("%(name)s cannot be read: %(why)s.") % {"name": name, "why": error.strerror or error}
        ) from error
    _refuse_wide_characters(name, tally.head)
    first_line, trailer, found = _first_and_last(tally, encoding or tally.encoding())
    if not first_line.strip():
        raise FeedRefused(_("%(name)s is empty.") % {"name": name})
    control = _companion(path, hashing.bytes, hashing.hash.hexdigest()) or found
    return Survey(
        path=path,
        bytes=hashing.bytes,
        sha256=hashing.hash.hexdigest(),
        compressed=compressed,
        encoding=encoding or tally.encoding(),
        carriage_returns_only=tally.line_feeds == 0 and tally.returns > 0,
        first_line=first_line,
        trailer=trailer,
        control=control,
    )


def _blocks(hashing: _Hashing, compressed: bool, name: str) -> Iterator[bytes]:
    source = gzip.GzipFile(fileobj=hashing) if compressed else hashing
    try:
        while block := source.read(BLOCK):
            yield block
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FeedRefused(
            _(
                "%(name)s is a damaged or truncated gzip archive (%(why)s); nothing of it was "
                "applied. Have it sent again."
            )
            % {"name": name, "why": error}
        ) from error


def _refuse_what_is_no_text(name: str, head: bytes) -> None:
    for magic, what in _MAGIC:
        if head.startswith(magic):
            raise FeedRefused(
                _("%(name)s is %(what)s, not a text file. Save it as CSV (UTF-8) and send that.")
                % {"name": name, "what": what}
            )


def _refuse_wide_characters(name: str, head: bytes) -> None:
    sample = head[:4096]
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")) or sample.count(0) * 3 > len(sample) > 3:
        raise FeedRefused(
            _("%(name)s is in UTF-16. Save it as UTF-8 (or GB18030) and send that.")
            % {"name": name}
        )


def _first_and_last(tally: _Tally, encoding: str) -> tuple[str, str, Control | None]:
    """Return the header's line, the trailer's line if the file has one, and what it says."""
    ends = re.compile(r"\r\n|\r|\n")
    try:
        head = tally.head.decode(encoding, "surrogateescape").removeprefix("\ufeff")
        tail = tally.tail.decode(encoding, "surrogateescape")
    except LookupError:
        raise FeedRefused(_("There is no encoding “%(name)s”.") % {"name": encoding}) from None
    if len(tally.head) == LONGEST_ROW and not ends.search(head):
        raise FeedRefused(_("The first line is longer than 1 MB; a header was expected."))
    lines = ends.split(tail.rstrip("\r\n"))
    found = _TRAILER.fullmatch(lines[-1])
    if found is None:
        return head, "", None
    said_by = _("the trailer row")
    return head, lines[-1], Control(int(found[2]), int(found[3]), said_by)


def _companion(path: Path, size: int, sha256: str) -> Control | None:
    """Read the .chk file beside an interface file: name|records|bytes|sum|sha256."""
    stem = path.name.removesuffix(".gz")
    names = (f"{path.name}.chk", f"{stem}.chk", f"{stem.rpartition('.')[0]}.chk")
    chk = next((path.with_name(n) for n in names if path.with_name(n).is_file()), None)
    if chk is None:
        return None
    fields = chk.read_text("utf-8", "replace").strip().split("|")
    if len(fields) != 5 or not all(re.fullmatch(r"-?\d+", f) for f in fields[1:4]):
        raise FeedRefused(
            _("%(chk)s must be one line: name|records|bytes|sum|sha256.") % {"chk": chk.name}
        )
    name, records, length, total, digest = fields
    for what, said, is_so in (
        (_("name"), name, path.name),
        (_("bytes"), length, str(size)),
        (_("sha256"), digest.lower(), sha256),
    ):
        if said != is_so:
            raise FeedRefused(
                _("%(chk)s says %(what)s %(said)s; the file has %(is_so)s. Nothing was applied.")
                % {"chk": chk.name, "what": what, "said": said, "is_so": is_so}
            )
    return Control(int(records), int(total), chk.name)


def delimiter_of(first_line: str) -> str:
    """Return the delimiter that cuts the header into the most columns; the comma if none does."""
    line = re.split(r"[\r\n]", first_line, maxsplit=1)[0]
    best = max((",", "\t", "|", ";"), key=line.count)
    return best if best in line else ","


def header_of(first_line: str, *, delimiter: str, quote: str) -> list[str]:
    """
    Return the column names of the header.

    :raises FeedRefused: for a column without a name or with one that is no text, or two with one.
    """
    lines = re.split(r"\r\n|\r|\n", first_line)
    try:
        record = next(csv.reader(lines, Cut(delimiter, quote)))
    except csv.Error as error:
        raise FeedRefused(_("The header cannot be read: %(why)s.") % {"why": error}) from error
    names = [name.strip() for name in record]
    unreadable = [n for n, name in enumerate(names, start=1) if _NO_TEXT.search(name)]
    if unreadable:
        raise FeedRefused(
            _(
                "The header's name of column %(n)d is no text. Is the file a table at all, and in "
                "the encoding that was expected?"
            )
            % {"n": unreadable[0]}
        )
    nameless = [str(n) for n, name in enumerate(names, start=1) if not name]
    if nameless:
        raise FeedRefused(_("The header has no name for column %(n)s.") % {"n": nameless[0]})
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FeedRefused(
            _("The header names a column twice: %(names)s.") % {"names": ", ".join(twice)}
        )
    return names
