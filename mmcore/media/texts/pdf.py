"""PDF → the text of its pages."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mmcore.errors import MediaError
from mmcore.media.limits import check_pages, check_text_bytes, decoding
from mmcore.media.pieces import Damage
from mmcore.media.texts.clean import clean
from mmcore.media.texts.language import HAN
from mmcore.media.texts.passages import Passage, Passages
from mmcore.specs import LimitsSpec
from mmcore.types import Span

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

MOST_DAMAGES: Final = 100
"""Of a file: the last one takes in every broken page that follows, whatever its reason."""

_PASSWORD: Final = 4  # FPDF_ERR_PASSWORD
_WIDE: Final = f"[{HAN}\u3000-\u303f\u3040-\u30ff\uff00-\uffef]"
# PDFium writes U+0002 or U+FFFE for a hyphen at the end of a line, and leaves that end out.
_BROKEN_WORD: Final = re.compile(
    r"(?<=[^\W\d_])(?:[-\u2010\u00ad] ?\n ?|[\ufffe\x02]\s*)(?=[a-z\u00df-\u00ff])"
)
_KEPT_HYPHEN: Final = re.compile(r"[\ufffe\x02]\s*")
_BROKEN_WIDE: Final = re.compile(rf"(?<={_WIDE})[^\S\n]*\n[^\S\n]*(?={_WIDE})")
_pdfium: Final = threading.RLock()  # PDFium may be entered by one thread at a time


def pages(location: str, limits: LimitsSpec) -> Passages:
    """A passage for each page with text, its source ``page:N`` counted from 1.

    Pages are read as they are asked for. A page that cannot be read is a Damage; neighbours that
    cannot for one reason are one, with a span of pages. Raises MediaError: too-many-pages,
    encrypted, no-text, too-many-bytes (of text), decode-error.
    """
    with _opened(location) as document:
        with _pdfium:
            count = len(document)
        check_pages(count, limits)
        size, broken = 0, _Broken()
        for index in range(count):
            try:
                text = clean(joined_lines(_text_of(document, index)))
            except MediaError as error:
                yield from broken.add(index, error)
                continue
            yield from broken.passed()
            size += len(text.encode())
            check_text_bytes(size, limits)
            if text:
                yield Passage(text, f"page:{index + 1}")
        yield from broken.end()
        if not size and not broken.told:
            raise MediaError("text", "no-text", "no page has text: scanned, turn on ocr")


@dataclass(slots=True)
class _Broken:
    """Pages that cannot be read, joined to at most ``MOST_DAMAGES`` runs."""

    told: int = 0  # damages given out
    error: MediaError | None = None  # of the run that is held
    first: int = 0
    last: int = 0

    def add(self, page: int, error: MediaError) -> Iterator[Damage]:
        """Hold a page, from 0; the damage of the run that it does not belong to."""
        held = self.error
        if held is not None and not self._is_last() and held.reason != error.reason:
            yield from self.end()
        if self.error is None:
            self.error, self.first = error, page
        self.last = page

    def passed(self) -> Iterator[Damage]:
        """A page that can be read ends a run."""
        if not self._is_last():
            yield from self.end()

    def end(self) -> Iterator[Damage]:
        """The damage of the run that is held, if one is."""
        error, self.error = self.error, None
        if error is None:
            return
        self.told += 1
        if self.first == self.last:
            yield Damage(error, f"page:{self.first + 1}")
            return
        message = f"pages {self.first + 1} to {self.last + 1}: {error.message}"
        told = (error.stage, error.reason, message)
        yield Damage(MediaError(*told), span=Span(self.first, self.last + 1, "page"))

    def _is_last(self) -> bool:
        return self.told == MOST_DAMAGES - 1


def joined_lines(text: str) -> str:
    """The lines of a page as its words: a word cut by a hyphen is one again, Chinese has no gaps.

    Line ends between other words stay.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _BROKEN_WIDE.sub("", _KEPT_HYPHEN.sub("-", _BROKEN_WORD.sub("", text)))


@contextmanager
def _opened(location: str) -> Iterator[PdfDocument]:
    import pypdfium2  # noqa: PLC0415 - only PDF needs it

    with open(location, "rb"):  # noqa: PTH123 - so that a file that has gone is an OSError
        pass
    with _pdfium, decoding("text", pypdfium2.PdfiumError):
        try:
            document = pypdfium2.PdfDocument(location)
        except pypdfium2.PdfiumError as error:
            if error.err_code == _PASSWORD:
                raise MediaError("text", "encrypted", "a PDF that asks for a password") from error
            raise
    try:
        yield document
    finally:
        with _pdfium:
            document.close()


def _text_of(document: PdfDocument, index: int) -> str:
    with _pdfium, decoding("text"):
        page = document[index]
        try:
            textpage = page.get_textpage()
            try:
                return str(textpage.get_text_bounded())
            finally:
                textpage.close()
        finally:
            page.close()
