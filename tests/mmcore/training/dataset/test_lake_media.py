import logging
from dataclasses import replace

import pytest

from mmcore.errors import ConfigError, NothingToLearnError
from mmcore.training.dataset.lake import lake_rows
from mmcore.training.dataset.lake_media import is_lake, lake_media
from mmcore.training.dataset.media import MultiModalDataset
from mmcore.training.dataset.spec import DatasetSpec
from mmcore.training.split import caption_keys, fit_rows, key_of
from storage.layout import Layout
from storage.schemas import Modality, item_id
from storage.snapshot import Snapshot
from tests import lakes

ITEMS = {
    "train/red": {"train/red.png": "red", "train/red.txt": "A red wall."},
    "train/blue": {
        "train/blue.png": "blue",
        "train/blue.txt": "A blue wall.",
        "train/blue.wav": "0.3",
    },
    "notes/long": {"notes/long.txt": " ".join(f"Sentence {n} says nothing." for n in range(60))},
}


def rows_of(lake):
    """The texts of a lake as training and evaluation are given them."""
    return lake_rows(Snapshot.open(Layout(lake)), Modality.TEXT, space="own")


@pytest.fixture
def make(tmp_path, monkeypatch):
    """A published lake whose source lies beside it; ``told``: key → what a manifest says."""

    def made(items=ITEMS, told=None, encoders=None, **fields):
        item = lakes._item
        monkeypatch.setattr(
            lakes, "_item", lambda *a: replace(item(*a), **(told or {}).get(a[1], {}))
        )
        snapshot = lakes.make_lake(tmp_path, items, encoders or lakes.towers(), fused=False)
        update = {"sources": {"media": str(tmp_path / "media")}, **fields}
        path = snapshot.layout.snapshot(1) / "manifest.json"
        path.write_bytes(snapshot.manifest.model_copy(update=update).to_json())
        return tmp_path / "lake"

    return made


def test_a_lake_has_the_items_of_its_tables(make):
    """Ids and keys are those of the lake, pictures and sounds lie in its source."""
    lake = make()
    gathered = lake_media(str(lake))
    items = {item.key: item for item in gathered.items}

    assert is_lake(str(lake))
    assert not is_lake(str(lake.parent / "media"))
    assert {item.item_id for item in gathered.items} == {item_id("media", key) for key in ITEMS}
    assert items["train/blue"].has == (True, True, True)
    assert items["train/red"].has == (True, True, False)
    assert items["train/blue"].pictures[0].location.endswith("media/train/blue.png")
    assert items["train/blue"].folders == ("train",)


def test_texts_and_keys_are_those_that_the_lake_is_evaluated_by(make):
    """Texts come from the tables, chunks in order, with the keys of its rows: no file is read."""
    lake = make()
    for path in (lake.parent / "media").rglob("*.txt"):
        path.unlink()
    items = {item.key: item for item in lake_media(str(lake)).items}
    long = items["notes/long"]

    assert items["train/red"].captions[0].text == "A red wall."
    assert items["train/red"].caption_key == key_of("A red wall.")
    assert len(long.captions) > 2
    assert long.captions[0].text.startswith("Sentence 0 ")
    assert long.caption_key in caption_keys(rows_of(lake))


def test_without_a_text_encoder_texts_are_read_from_their_files(make):
    """A lake of pictures alone keeps no text, yet its folder has them."""
    lake = make(encoders=lakes.towers()[1:])
    items = {item.key: item for item in lake_media(str(lake)).items}

    assert items["train/red"].captions[0].text == "A red wall."
    assert items["train/red"].has == (True, True, False)


def test_labels_of_folders_are_no_labels_of_a_manifest(make):
    """The index puts a folder's name into the column of labels: only others were told."""
    lake = make(
        told={
            "train/red": {"labels": ("warm",), "split": "test"},
            "train/blue": {"labels": ("train",)},
        }
    )
    items = {item.key: item for item in lake_media(str(lake)).items}

    assert (items["train/red"].told, items["train/red"].split) == (("warm",), "test")
    assert items["train/blue"].told == ()


def test_what_has_gone_or_changed_is_missing(make, caplog):
    """Such a file is not there for training; it is counted, and all are logged in one line."""
    lake = make()
    (lake.parent / "media/train/red.png").unlink()
    (lake.parent / "media/train/blue.wav").write_bytes(b"other")
    with caplog.at_level(logging.WARNING):
        gathered = lake_media(str(lake))
    items = {item.key: item for item in gathered.items}

    assert items["train/red"].has == (False, True, False)
    assert items["train/blue"].has == (True, True, False)
    assert gathered.missing == {"image": 1, "audio": 1}
    assert "2 files are not where the lake says" in caplog.text


def test_a_lake_whose_source_is_away_is_refused(make):
    """No source, or one that is not mounted, is a ConfigError that says where it was."""
    lake = make()
    (lake.parent / "media").rename(lake.parent / "moved")

    with pytest.raises(ConfigError, match=r"source 'media' is not at .*media any more"):
        lake_media(str(lake))


def test_a_lake_that_knows_no_source_is_refused(make):
    """A lake that does not say where its files lie cannot be trained on."""
    with pytest.raises(ConfigError, match="a place that it knows"):
        lake_media(str(make(sources={})))


def test_a_private_lake_is_refused(make):
    """It keeps hashes of paths, so which file is whose is not known."""
    with pytest.raises(ConfigError, match="private lake"):
        lake_media(str(make(private=True)))


def test_a_labelled_item_without_files_is_refused(make):
    """A manifest named what the lake never saw."""
    lake = make({**ITEMS, "ghost": {}}, {"ghost": {"labels": ("cat",)}})

    with pytest.raises(NothingToLearnError, match="ghost"):
        lake_media(str(lake))


def test_a_lake_is_trained_on_what_it_is_not_asked(make):
    """No item of train or validation has a caption that the lake's evaluation holds out."""
    lake = make(lakes.coloured_items(copies=2))
    rows = rows_of(lake)
    fit = set(rows.item_ids[fit_rows(rows, 0.4)].tolist())
    spec = DatasetSpec(held_out=0.4, validation=0.3, side=8, seconds=0.1)
    dataset = MultiModalDataset(lake, "train", spec)
    found = {
        split: {item.item_id for item in dataset.of(split).items}
        for split in ("train", "validation", "test")
    }

    assert 0 < len(fit) < 16
    assert found["train"] | found["validation"] == fit
    assert found["test"] == set(rows.item_ids.tolist()) - fit
    assert dataset[0]["has"].tolist() == [True, True, False]
    assert dataset[0]["image"].shape == (3, 8, 8)


@pytest.mark.slow
def test_a_source_may_lie_in_a_store(make, s3):
    """Its objects are read from there; one where nothing is, is told with lake and source."""
    import s3fs

    place = f"{s3.bucket()}/media"
    lake = make(sources={"media": place})
    with pytest.raises(
        ConfigError, match=r"source 'media' cannot be read: s3://.*nothing is there"
    ):
        lake_media(str(lake))
    store = s3fs.S3FileSystem(use_listings_cache=False)
    store.put(str(lake.parent / "media") + "/", f"{place}/", recursive=True)
    dataset = MultiModalDataset(lake, None, DatasetSpec(side=8, seconds=0.1))

    assert [dataset[n]["has"].tolist() for n in range(3)] == dataset.has.tolist()
    assert dataset.counts()["modalities"] == {"image": 2, "text": 3, "audio": 1}
