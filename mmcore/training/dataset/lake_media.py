"""A lake as items: texts from its tables, pictures and sounds from where its sources lie now."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from mmcore.errors import ConfigError
from mmcore.media.drafts import folder_label
from mmcore.media.names import readable
from mmcore.paths import printable
from mmcore.rows import known_files
from mmcore.training.dataset.items import Caption, Gathered, MediaItem, Text
from mmcore.training.dataset.labels import refuse_unknown_items
from mmcore.training.dataset.lake import bare_rows
from mmcore.training.dataset.lake_places import Finder, sources_of
from mmcore.training.dataset.reading import TextReader
from mmcore.training.split import caption_keys
from mmcore.types import MediaFile
from storage.layout import Layout
from storage.places.place import place_of
from storage.published import current
from storage.schemas import Modality
from storage.snapshot import Snapshot

_MEDIA = (Modality.IMAGE, Modality.AUDIO)

Texts = Mapping[int, Mapping[str, Text]]
"""By item id, then by content id."""


@dataclass(slots=True)
class _Row:
    """What the tables say of an item."""

    item_id: int
    key: str
    labels: tuple[str, ...]
    split: str | None
    files: list[MediaFile] = field(default_factory=list)  # by path, without captions of manifests
    contents: list[str] = field(default_factory=list)  # ids of all, by path


def is_lake(url: str) -> bool:
    """Whether a snapshot is published at ``url``."""
    return current(Layout(place_of(url))) is not None


def lake_media(url: str) -> Gathered:
    """All items of the published snapshot.

    Raises ConfigError where the lake is private, or a source of it is not where it was,
    NothingToLearnError where a manifest labelled what is not there.
    """
    snapshot = Snapshot.open(Layout(place_of(url)))
    if snapshot.manifest.private:
        raise ConfigError(
            f"{url}: a private lake does not say which file is whose: train on the folder that it"
            " was made of"
        )
    rows = _rows(snapshot)
    refuse_unknown_items(r.key for r in rows if not r.contents and (r.labels or r.split))
    texts = _texts(snapshot) if snapshot.manifest.paths(f"segments/{Modality.TEXT}/") else None
    needed = {
        file.root for row in rows for file in row.files if texts is None or file.modality in _MEDIA
    }
    finder = Finder(sources_of(url, snapshot.manifest, needed))
    reader = TextReader()
    found = [_item(row, finder, _texts_of(row, finder, texts, reader)) for row in rows]
    finder.tell(url)
    return Gathered(
        url,
        tuple(item for item in found if any(item.has)),
        without=sum(not any(item.has) for item in found),
        missing=Counter(str(file.modality) for file in finder.missing),
        unreadable={"text": len(reader.unreadable)},
    )


def _rows(snapshot: Snapshot) -> list[_Row]:
    """All items, sorted by id, with their files."""
    table = snapshot.rows("items", ["item_id", "key", "labels", "split"]).sort_by("item_id")
    rows = {
        one["item_id"]: _Row(one["item_id"], one["key"], tuple(one["labels"] or ()), one["split"])
        for one in table.to_pylist()
    }
    files = snapshot.rows("files")
    known = {
        (alias, printable(path)): file
        for alias in files["root"].unique().to_pylist()
        for path, file in known_files(files, alias).items()
    }
    columns = ["item_id", "root", "path", "content_id"]
    places = snapshot.rows("item_files", columns).sort_by([(n, "ascending") for n in columns])
    for one in places.to_pylist():
        row = rows[one["item_id"]]
        row.contents.append(one["content_id"])
        file = known.get((one["root"], one["path"]))
        if file is not None:
            row.files.append(file)
    return list(rows.values())


def _texts(snapshot: Snapshot) -> Texts:
    """What the lake keeps of texts, without those that were read or heard in other media."""
    rows = bare_rows(snapshot, Modality.TEXT).captions()
    chunks: dict[tuple[int, str], list[Caption]] = defaultdict(list)
    keys: dict[str, str] = {}
    own = zip(rows.item_ids.tolist(), rows.content_ids, rows.languages, rows.texts, strict=True)
    for (item, content, language, text), key in zip(own, caption_keys(rows), strict=True):
        keys[content] = key
        if text:
            chunks[item, content].append(Caption(text, language))
    found: dict[int, dict[str, Text]] = defaultdict(dict)
    for (item, content), captions in chunks.items():
        found[item][content] = Text(keys[content], tuple(captions))
    return found


def _texts_of(
    row: _Row, finder: Finder, texts: Texts | None, reader: TextReader
) -> tuple[Text, ...]:
    """An item's texts; read from its files where the lake has none."""
    found: list[Text | None]
    if texts is None:
        files = [file for file in row.files if file.modality is Modality.TEXT]
        places = [(finder.content(file), file.language) for file in files]
        found = [reader.read(content, said) for content, said in places if content is not None]
    else:
        mine = texts.get(row.item_id, {})
        found = [mine.get(content) for content in dict.fromkeys(row.contents)]
    return tuple(text for text in found if text is not None)


def _item(row: _Row, finder: Finder, texts: tuple[Text, ...]) -> MediaItem:
    folder = folder_label(row.files, row.key)
    return MediaItem(
        item_id=row.item_id,
        key=row.key,
        place=readable(row.files[0].path) if row.files else "",
        pictures=finder.contents(row.files, Modality.IMAGE),
        sounds=finder.contents(row.files, Modality.AUDIO),
        texts=texts,
        told=() if row.labels == folder else row.labels,
        split=row.split,
        files=tuple((str(file.modality), readable(file.path)) for file in row.files),
    )
