"""From bytes to text: which encoding a playlist file is in, and whether it is text at all."""

import codecs
import re
from dataclasses import dataclass

from core.errors import PermanentError


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text without a byte order mark, and the name of the encoding it was in."""

    text: str
    encoding: str


_SAMPLE_BYTES = 65_536
# Share of NUL bytes on one side of the byte pairs that makes UTF-16: headers, delimiters and line ends are ASCII.
_UTF16_SHARE = 0.2
# Share of control characters above which a text is no text; a few strays are left to the row they stand in.
_CONTROL_SHARE = 0.05

_SIGNATURES: dict[bytes, str] = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a ZIP archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"PAR1": "a Parquet table",
    b"SQLite format 3": "an SQLite database",
    b"ID3": "an MP3 file",
    b"OggS": "an Ogg file",
    b"fLaC": "a FLAC file",
    b"RIFF": "a WAV file",
    b"\x7fELF": "a program",
}
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x9f]")
_NON_ASCII = re.compile(r"[^\x00-\x7f]")
_ESCAPED_BYTE = re.compile(r"[\udc80-\udcff]")
# The 2,350 syllables of KS X 1001, nearly all of written Korean. CP949's other syllables have an ASCII letter as second
# byte, which "Ärzte" in Latin-1 has as well, so they prove nothing.
_HANGUL_PAIR = re.compile(rb"[\xb0-\xc8][\xa1-\xfe]")
_ASCII_BYTES = bytes(range(0x80))


def decode(data: bytes, filename: str) -> Decoded:
    """The text of a file in UTF-8, UTF-16, CP949 (Korean) or Windows-1252, the superset of Latin-1.

    Bytes that are no UTF-8 within a file that otherwise is become lone surrogates, so that only their rows are lost.

    Raises
    ------
    PermanentError
        `file-empty`, or `file-not-a-playlist` for binary files and web pages.
    """
    for signature, kind in _SIGNATURES.items():
        if data.startswith(signature):
            raise _not_text(filename, f"is {kind}")
    decoded = _decode_unicode(data) or _decode_legacy(data)
    if not decoded.text.strip():
        raise PermanentError("file-empty", f"{filename} has no content; export the playlist again.")
    _check_is_text(decoded.text[:_SAMPLE_BYTES], filename)
    return decoded


def _decode_unicode(data: bytes) -> Decoded | None:
    if data.startswith(codecs.BOM_UTF8):
        return Decoded(data.decode("utf-8-sig", "surrogateescape"), "utf-8")
    if encoding := _utf16_variant(data):
        # "replace" covers an odd byte at the end and half surrogate pairs.
        return Decoded(data.decode(encoding, "replace").removeprefix("\ufeff"), encoding)
    text = data.decode("utf-8", "surrogateescape")
    damaged = len(_ESCAPED_BYTE.findall(text))
    if not damaged or len(_NON_ASCII.findall(text)) > 5 * damaged:
        return Decoded(text, "utf-8")
    return None


def _utf16_variant(data: bytes) -> str | None:
    if data.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le"
    if data.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be"
    sample = data[:_SAMPLE_BYTES]
    high, low = sample[0::2].count(0), sample[1::2].count(0)
    enough = _UTF16_SHARE * len(sample) / 2
    if low > enough and low > 4 * high:
        return "utf-16-le"
    if high > enough and high > 4 * low:
        return "utf-16-be"
    return None


def _decode_legacy(data: bytes) -> Decoded:
    encodings = ("cp949", "cp1252") if _looks_korean(data) else ("cp1252",)
    for encoding in encodings:
        try:
            return Decoded(data.decode(encoding), encoding)
        except UnicodeDecodeError:
            continue
    return Decoded(data.decode("latin-1"), "latin-1")


def _looks_korean(data: bytes) -> bool:
    """Whether common Hangul syllables make up at least half of the bytes beyond ASCII."""
    n_high = len(data.translate(None, _ASCII_BYTES))
    return 4 * len(_HANGUL_PAIR.findall(data)) >= n_high


def _check_is_text(sample: str, filename: str) -> None:
    if sample.lstrip().startswith("<"):
        raise _not_text(filename, "is a web page or an XML file")
    # A stray NUL in a short file is a bad row, not a binary file.
    if len(_CONTROL.findall(sample)) > max(2, _CONTROL_SHARE * len(sample)):
        raise _not_text(filename, "is a binary file")


def _not_text(filename: str, what: str) -> PermanentError:
    return PermanentError(
        "file-not-a-playlist",
        f"{filename} {what}; use a CSV with artist and title columns, an Exportify export, JSON or M3U.",
    )
