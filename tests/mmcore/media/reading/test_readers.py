"""Tests of mmcore/media/reading/readers.py."""

import pytest

from mmcore.errors import ConfigError, MissingExtraError
from mmcore.media.reading import readers
from mmcore.media.reading.readers import loading, readers_of
from mmcore.specs import SegmentationSpec
from storage.schemas import Modality


def model(folder, weights=b"weights"):
    """A folder that looks like a model."""
    folder.mkdir()
    (folder / "model.bin").write_bytes(weights)
    for name in ("config.json", "tokenizer.json", "vocabulary.json"):
        (folder / name).write_text("{}")
    return str(folder)


@pytest.fixture
def installed(monkeypatch):
    """Both packages are there, whether or not they are."""
    monkeypatch.setattr(readers, "find_spec", lambda _: object())
    monkeypatch.setattr(readers, "version", lambda _: "3.10.0")


def test_by_default_nothing_is_read():
    """Reading takes long: it has to be asked for."""
    assert readers_of(SegmentationSpec()) == ()


@pytest.mark.usefixtures("installed")
def test_a_reader_is_known_by_what_it_reads_with(tmp_path):
    """The same model in another folder is the same reader; other weights are another."""
    first = model(tmp_path / "first")
    copy, other = model(tmp_path / "copy"), model(tmp_path / "other", b"other")
    found = [readers_of(SegmentationSpec(asr=folder))[0] for folder in (first, copy, other)]

    assert found[0] == found[1] != found[2]
    assert found[0].source == f"asr@{found[0].fingerprint}"
    assert found[0].reads == (Modality.AUDIO, Modality.VIDEO)


@pytest.mark.usefixtures("installed")
def test_pictures_and_speech_have_a_reader_each(tmp_path):
    """In this order."""
    both = readers_of(SegmentationSpec(ocr=True, asr=model(tmp_path / "m")))

    assert [(one.name, one.reads[0]) for one in both] == [
        ("ocr", Modality.IMAGE),
        ("asr", Modality.AUDIO),
    ]


@pytest.mark.usefixtures("installed")
def test_a_folder_without_a_model_is_refused(tmp_path):
    """The error says what is missing."""
    with pytest.raises(ConfigError, match=r"has no model\.bin"):
        readers_of(SegmentationSpec(asr=str(tmp_path)))


@pytest.mark.parametrize(
    ("spec", "extra"), [(SegmentationSpec(ocr=True), "ocr"), (SegmentationSpec(asr="x"), "asr")]
)
def test_a_missing_package_is_named(monkeypatch, spec, extra):
    """With the line that installs it."""
    monkeypatch.setattr(readers, "find_spec", lambda _: None)

    with pytest.raises(MissingExtraError, match=rf"mmindex\[{extra}\]"):
        readers_of(spec)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("name", ["tokenizer.json", "vocabulary.json", "config.json"])
def test_any_file_of_a_model_decides_what_it_reads(tmp_path, name):
    """Another vocabulary says other words; without one there is no model."""
    folder = model(tmp_path / "m")
    before = readers_of(SegmentationSpec(asr=folder))
    (tmp_path / "m" / name).write_text('{"other": 1}')

    assert readers_of(SegmentationSpec(asr=folder)) != before
    (tmp_path / "m" / name).unlink()
    with pytest.raises(ConfigError, match=name.partition(".")[0]):
        readers_of(SegmentationSpec(asr=folder))


def test_what_keeps_a_model_from_loading_is_no_files_fault():
    """It ends the run with what happened, before files are blamed for it."""
    told = pytest.raises(
        ConfigError, match=r"segmentation\.ocr: RapidOCR cannot be loaded .*libGL"
    )
    with told, loading("segmentation.ocr", "RapidOCR"):
        raise ImportError("libGL.so.1: cannot open shared object file")
