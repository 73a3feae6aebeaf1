"""HTML → what a reader of the page sees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from mmcore.errors import MediaError
from mmcore.media.limits import OUT_OF_MEMORY, beating, check_nesting, decoding
from mmcore.media.texts import charset
from mmcore.media.texts.elements import BOXES, LINES
from mmcore.specs import LimitsSpec

_UNSEEN_ELEMENTS: Final = (
    "audio canvas head iframe math noembed noframes noscript object script select style svg"
    " template textarea video"
)
_OTHER_BLOCKS: Final = (
    "address body caption details dialog figcaption html legend menu summary tfoot thead"
)
_UNSEEN: Final = frozenset(_UNSEEN_ELEMENTS.split())
_BLOCKS: Final = BOXES | LINES | frozenset(_OTHER_BLOCKS.split())
_CELLS: Final = frozenset({"td", "th"})
_KEEPS_LINES: Final = frozenset({"pre", "listing"})
_HIDDEN: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_SPACES: Final = re.compile(r"\s+")
_META: Final = re.compile(rb"<meta[^>]{0,500}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.I)
_META_BYTES: Final = 4096
# Labels of pages → codecs: those that the WHATWG's encoding standard reads as a wider one too.
_WIDER: Final = {
    **dict.fromkeys(("gb2312", "gbk", "gb18030", "x-gbk", "gb_2312-80", "chinese"), "gb18030"),
    **dict.fromkeys(("big5", "big5-hkscs", "cn-big5", "x-x-big5"), "big5hkscs"),
    **dict.fromkeys(("shift_jis", "sjis", "x-sjis", "shift-jis"), "cp932"),
    **dict.fromkeys(("euc-kr", "ks_c_5601-1987", "korean"), "cp949"),
    "euc-jp": "euc_jp",
    "iso-2022-jp": "iso2022_jp_2",
}
_SINGLE: Final = re.compile(r"iso-?8859-\d{1,2}|windows-125\d|cp125\d|koi8-[ru]|latin1|us-ascii")
_TAG: Final = re.compile(rf"<(/?)({'|'.join(sorted(BOXES))}|details|template)\b", re.I)


def decode_page(data: bytes) -> str:
    """Decode by byte order mark, else by the charset that the page names, else as any text.

    A label of one byte a character fits anything, so UTF-8 is tried before it. Raises MediaError
    as ``charset.decode`` does.
    """
    label = _META.search(data[:_META_BYTES])
    if label and not charset.is_marked(data):
        name = label.group(1).decode("ascii", "replace").lower()
        single = name if _SINGLE.fullmatch(name) else None
        for codec in filter(None, (_WIDER.get(name), single and "utf-8", _windows(single))):
            try:
                return data.decode(codec)
            except UnicodeDecodeError:
                continue
    return charset.decode(data)


def _windows(label: str | None) -> str | None:
    """What pages that name Latin-1 or ASCII are written in: Windows' Latin."""
    return "cp1252" if label in {"iso-8859-1", "latin1", "us-ascii"} else label


def visible_text(page: str, limits: LimitsSpec) -> str:
    """The title, then the text of the body: a line for each block, alt texts for pictures.

    Scripts, styles, templates, comments, form fields and hidden elements leave nothing; nothing
    is fetched. Raises MediaError: ``too-deep`` for a page nested beyond ``max_nesting``,
    ``out-of-memory`` for one whose elements need more than there is.
    """
    _check_nesting(page, limits)
    with decoding("text"):
        tree = _tree(page)
        title = tree.css_first("head title")
        body = "".join(beating(_pieces(tree.body))) if tree.body is not None else ""
        lines = [_SPACES.sub(" ", title.text()) if title is not None else "", *body.split("\n")]
    return "\n".join(line for line in (line.strip() for line in lines) if line)


def _tree(page: str) -> Any:
    """Any page has a tree, by the standard: a parser that fails has no memory for it."""
    from selectolax.lexbor import LexborHTMLParser, SelectolaxError  # noqa: PLC0415 - only pages

    try:
        return LexborHTMLParser(page)
    except SelectolaxError as error:
        message = "no memory for the elements of the page"
        raise MediaError("text", OUT_OF_MEMORY, message) from error


def _check_nesting(page: str, limits: LimitsSpec) -> None:
    """Refuse blocks in blocks beyond the limit: a parser's time grows with the square of it."""
    depth = 0
    for tag in beating(_TAG.finditer(page)):
        depth = max(0, depth - 1) if tag.group(1) else depth + 1
        check_nesting(depth, limits)


def _pieces(body: Any) -> Iterator[str]:
    """Text and line ends below a node, in order; no recursion, so no page is too deep for it."""
    node, kept_lines, top = body, 0, body.mem_id
    while node is not None:
        tag = node.tag
        yield _opening(node, tag, kept_lines > 0)
        child = None if tag in _UNSEEN or _is_hidden(node) else node.first_child
        kept_lines += tag in _KEEPS_LINES
        while child is None:  # nothing below: close this one, and its parents as they end
            yield "\n" if tag in _BLOCKS else " " if tag in _CELLS else ""
            kept_lines -= tag in _KEEPS_LINES
            if node.mem_id == top:
                return
            child = node.next
            if child is None:
                node = node.parent
                tag = node.tag
        node = child


def _opening(node: Any, tag: str, keeps_lines: bool) -> str:
    if tag == "-text":
        text = node.text_content or ""
        return text if keeps_lines else _SPACES.sub(" ", text)
    if tag == "img" and not _is_hidden(node):
        return f" {_SPACES.sub(' ', node.attributes.get('alt') or '')} "
    return "\n" if tag in _BLOCKS else ""


def _is_hidden(node: Any) -> bool:
    if node.tag.startswith(("-", "!")):
        return False
    attributes = node.attributes
    return "hidden" in attributes or bool(_HIDDEN.search(attributes.get("style") or ""))
