import shutil

import numpy as np

from mmcore.encoders.base import encoders
from mmcore.specs import SegmentationSpec
from mmcore.training.finetuning.inputs import Inputs
from mmcore.training.finetuning.pairs import pairs_of
from storage.schemas import Modality
from tests.checkpoints import runtime_for


def _encoder():
    return encoders.get("siglip2-image")(SegmentationSpec(), runtime_for("siglip2-image"))


def _contents(source, spec):
    pairs = pairs_of(source, Modality.IMAGE, spec())
    return [
        content
        for name in sorted(pairs.splits)
        for p in pairs.splits[name]
        for content in p.contents
    ]


def test_pictures_are_prepared_by_the_encoder(pictures, spec):
    """What is kept and what is decoded again are the encoder's own arrays."""
    contents = _contents(pictures, spec)[:4]
    kept, again = Inputs(_encoder(), 4, 10**8), Inputs(_encoder(), 4, 0)

    for one, other in zip(kept.all_of(contents), again.all_of(contents), strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.shape == (1, *_encoder().shape)
    assert kept.of(contents[0]) is kept.of(contents[0])
    assert again.of(contents[0]) is not again.of(contents[0])


def test_what_cannot_be_decoded_is_told(pictures, spec, tmp_path, caplog):
    """A file that is cut short is not readable, which the log says; the others are."""
    folder = tmp_path / "pictures"
    shutil.copytree(pictures, folder)
    contents = _contents(folder, spec)[:3]
    place = folder / contents[0].path
    place.write_bytes(place.read_bytes()[:60])

    found = Inputs(_encoder(), 4, 10**8).readable(contents)

    assert found == {content.content_id for content in contents[1:]}
    assert contents[0].path in caplog.text
