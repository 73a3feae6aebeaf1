"""Puts the site's sources together: docs/, the command line, and what pages link to beside docs/.

mkdocs calls it (`hooks` in mkdocs.yml). A page may link to any file of the repository, as it does
on a code host: files outside docs/ come into the site below `repository/`, pages among them as
pages, and the links to them are made to fit. A file that is not there stays a broken link, which
`mkdocs build --strict` refuses.
"""

from __future__ import annotations

import posixpath
import re
import shutil
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import typer.main
from mkdocs.plugins import event_priority

from flows.cli import app

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
DOCS = "docs/"
BESIDE = "repository/"
LINK = re.compile(r"(?<=\]\()([^)#\s]+)")
INLINE = re.compile(r"<pre.*?</pre>|<code>([^<\n]+)</code>", re.DOTALL)
WHOLE = 32  # characters of a word that fits a telephone's line
ENGLISH_ONLY = '<p class="english-only" lang="zh">本页只有英文。</p>'
APART = {"README.zh.md": "README-zh.md"}  # a page of its own, not the translation of another
NAV = ("CHANGELOG.md", "CONTRIBUTING.md", "benchmarks/RESULTS.md")
CLI = "reference/cli.md"
ABOVE = """# The command line

What `mmindex COMMAND --help` says, made from the program itself. [Commands](../commands.md)
explains it, with exit codes and examples.
"""
KEPT: list[TemporaryDirectory[str]] = []  # for as long as mkdocs runs


@event_priority(100)  # before other plug-ins look at the sources
def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Let mkdocs read the sources that are put together."""
    KEPT.append(TemporaryDirectory(prefix="mmindex-docs-"))
    config.docs_dir = KEPT[-1].name
    put_together(Path(config.docs_dir))
    return config


def put_together(folder: Path) -> None:
    """Write all sources of the site into ``folder``."""
    shutil.copytree(ROOT / DOCS, folder, dirs_exist_ok=True)
    for path in linked_from(sorted((ROOT / DOCS).rglob("*.md"))):
        target = folder / in_site(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, target)
    for page in sorted(folder.rglob("*.md")):
        page.write_text(led(page.read_text("utf-8"), page.relative_to(folder).as_posix()), "utf-8")
    (folder / CLI).write_text(cli_page(), "utf-8")


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Keep words of code whole, and say in the Chinese site which page is English.

    The index of the site has been told the page before: what is said there is not found.
    """
    language = config.plugins["i18n"].current_language  # type: ignore[attr-defined]
    translated = page.file.locale == language or in_repository(page.file.src_uri).endswith(
        ".zh.md"
    )
    if not translated:
        output = output.replace("</h1>", f"</h1>\n{ENGLISH_ONLY}", 1)
    return INLINE.sub(_kept_whole, output)


def _kept_whole(code: re.Match[str]) -> str:
    if code[1] is None:  # a block: its lines stay as they are
        return code[0]
    words = (
        f'<span class="word">{word}</span>' if 0 < len(unescape(word)) <= WHOLE else word
        for word in code[1].split(" ")
    )
    return f"<code>{' '.join(words)}</code>"


def led(markdown: str, uri: str) -> str:
    """A page of the site, its links leading to where those files are there."""
    here = in_repository(uri)

    def link(match: re.Match[str]) -> str:
        target = resolved(here, match[1])
        if target is None:
            return match[1]
        if here.startswith(DOCS) and target.startswith(DOCS):
            return match[1].replace(".zh.md", ".md")  # the site picks the language of a page
        return posixpath.relpath(in_site(target), posixpath.dirname(uri) or ".")

    return LINK.sub(link, markdown)


def linked_from(pages: list[Path]) -> list[str]:
    """Paths of the repository outside docs/ that pages link to, and the pages among them."""
    waiting = [page.relative_to(ROOT).as_posix() for page in pages] + list(NAV)
    found = set(NAV)
    while waiting:
        here = waiting.pop()
        for link in LINK.findall((ROOT / here).read_text("utf-8")):
            target = resolved(here, link)
            if target and not target.startswith(DOCS) and target not in found:
                found.add(target)
                if target.endswith(".md"):
                    waiting.append(target)
    return sorted(found)


def resolved(here: str, link: str) -> str | None:
    """The file of the repository that a link of the page ``here`` leads to; None: to no file."""
    if ":" in link or link.startswith("/"):
        return None
    target = posixpath.normpath(posixpath.join(posixpath.dirname(here), link))
    return target if (ROOT / target).is_file() else None


def in_repository(uri: str) -> str:
    """Where a file of the site lies in the repository."""
    if not uri.startswith(BESIDE):
        return DOCS + uri
    path = uri.removeprefix(BESIDE)
    return next((name for name, shown in APART.items() if shown == path), path)


def in_site(path: str) -> str:
    """Where a file of the repository lies in the site; of a translation, what it is one of."""
    if path.startswith(DOCS):
        return path.removeprefix(DOCS).replace(".zh.md", ".md")
    return BESIDE + APART.get(path, path)


def cli_page() -> str:
    """All commands with their arguments and options, out of Typer's own objects."""
    return "\n".join([ABOVE, *_commands("mmindex", typer.main.get_command(app))])


def _commands(name: str, command: Any) -> Iterator[str]:
    if below := getattr(command, "commands", None):
        for child in sorted(below):
            yield from _commands(f"{name} {child}", below[child])
        return
    context = command.make_context(name, [], resilient_parsing=True)
    yield f"## {name}\n"
    yield f"```\n{command.get_usage(context).removeprefix('Usage: ')}\n```\n"
    yield f"{_text(command.help)}\n"
    records = [param.get_help_record(context) for param in command.params]
    yield "| | meaning |\n|---|---|"
    for names, told in filter(None, records):
        yield f"| `{_cell(names)}` | {_text(_cell(told))} |"
    yield ""


def _cell(told: str) -> str:
    return " ".join(told.split()).replace("|", "\\|")


def _text(told: str | None) -> str:
    return (told or "").replace("\b", "").strip().replace("<", "&lt;").replace("[", "\\[")
