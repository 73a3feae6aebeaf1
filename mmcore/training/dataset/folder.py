"""A plain folder of media, here or in a store, as items: crawled and grouped as a run does."""

from __future__ import annotations

from collections.abc import Sequence

from mmcore.media.crawl import crawl
from mmcore.media.grouping import group, manifests_of
from mmcore.media.names import readable
from mmcore.media.roots import location_of
from mmcore.media.urls import checked_url, is_remote, local_path
from mmcore.specs import CrawlSpec, LimitsSpec
from mmcore.training.dataset.items import Gathered, MediaItem
from mmcore.training.dataset.labels import refuse_unknown_items, refuse_unknown_rows
from mmcore.training.dataset.reading import TextReader
from mmcore.training.dataset.spec import DatasetSpec
from mmcore.types import Content, Item, MediaFile, Source
from storage.schemas import Modality

ALIAS = "media"
"""Names the root, so that its items have the same ids wherever it lies."""


def folder_media(url: str, spec: DatasetSpec) -> Gathered:
    """All items below a folder.

    Raises SourceError where it cannot be read or has no file, ConfigError for a manifest that
    cannot be used, NothingToLearnError where one labels what is not there.
    """
    source = Source(ALIAS, checked_url(url) if is_remote(url) else str(local_path(url)))
    crawling = CrawlSpec(grouping=spec.grouping, manifest=spec.manifest)
    crawled = crawl(source, crawling, LimitsSpec(), {})
    manifests = manifests_of(source, crawled, crawling)
    rejected = {readable(one.path) for one in crawled.rejections}
    known = {readable(file.path) for file in crawled.files} | rejected
    refuse_unknown_rows(manifests, known)
    # private: no label is made of a folder's name, so those that are left are a manifest's
    items = group(crawled.files, spec.grouping, manifests, ALIAS, private=True)
    refuse_unknown_items(i.key for i in items if not i.files and (i.labels or i.split))
    reader = TextReader()
    found = [_item(item, source, reader) for item in items]
    return Gathered(
        source.url,
        tuple(item for item in found if any(item.has)),
        without=sum(not any(item.has) for item in found),
        unreadable={"text": len(reader.unreadable), "other": len(rejected)},
    )


def _item(item: Item, source: Source, reader: TextReader) -> MediaItem:
    files = sorted(item.files, key=lambda file: file.path)
    texts = (
        reader.read(_content(file, source), file.language)
        for file in files
        if file.modality is Modality.TEXT
    )
    return MediaItem(
        item_id=item.item_id,
        key=item.key,
        place=next((readable(file.path) for file in files if file.text is None), ""),
        pictures=_of(files, Modality.IMAGE, source),
        sounds=_of(files, Modality.AUDIO, source),
        texts=tuple(text for text in texts if text is not None),
        told=item.labels,
        split=item.split,
        files=tuple(
            (str(file.modality), readable(file.path)) for file in files if file.text is None
        ),
    )


def _of(files: Sequence[MediaFile], modality: Modality, source: Source) -> tuple[Content, ...]:
    return tuple(_content(file, source) for file in files if file.modality is modality)


def _content(file: MediaFile, source: Source) -> Content:
    return Content.of(file, location_of(source, file.path))
