from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from mmcore.encoders.base import Classifier
from mmcore.encoders.features import directions
from mmcore.encoders.projections import Projection, caption_digests
from mmcore.specs import FitSpec
from mmcore.training.projections import fit_projection, unfitted
from mmcore.training.ridge import Choice
from mmcore.training.roles import stands
from mmcore.training.rows import Rows
from mmcore.training.split import caption_keys, fit_rows, is_held_out
from storage.schemas import Modality
from tests.fakes import HashEncoder

DIM = 16
NAMES = tuple(f"class {i}" for i in range(6))


class Seeing(HashEncoder):
    """A picture encoder with a classifier of six classes."""

    def classifier(self):
        """Six random directions."""
        rng = np.random.default_rng(0)
        return Classifier(
            rng.standard_normal((6, DIM)).astype(np.float32), np.zeros(6, np.float32), NAMES
        )


TEXT, AUDIO = HashEncoder(Modality.TEXT, dim=DIM), HashEncoder(Modality.AUDIO, dim=DIM)
IMAGE, VIDEO = (
    Seeing(Modality.IMAGE, dim=DIM, space="seen"),
    Seeing(Modality.VIDEO, dim=DIM, space="seen"),
)
ENCODERS = {e.key.name: e for e in (TEXT, IMAGE, VIDEO, AUDIO)}
KEYS = [e.key for e in ENCODERS.values()]
SPEC = FitSpec(held_out=0.2)


def make(key):
    """The fake of that name."""
    return ENCODERS[key.name]


def texts(n):
    """``n`` items with an English and a Chinese caption each."""
    words = [w for i in range(n) for w in (f"thing {i}", f"东西{i}")]
    items = np.repeat(np.arange(n, dtype=np.int64), 2)
    return Rows(
        items,
        np.arange(2 * n, dtype=np.int64),
        tuple(f"t{i}" for i in range(2 * n)),
        ("en", "zh") * n,
        tuple(words),
        TEXT.encode(words) if n else np.zeros((0, DIM), np.float32),
    )


def media(rows, encoder, noise=0.05, items=None):
    """One content an item, whose cell is what its captions say, turned by a fixed matrix."""
    rng = np.random.default_rng(1)
    turn = np.linalg.qr(rng.standard_normal((DIM, DIM)))[0]
    wanted = np.unique(rows.item_ids) if items is None else items
    said = np.array([rows.vectors[rows.item_ids == i].sum(axis=0) for i in wanted]).reshape(
        -1, DIM
    )
    cells = directions(said @ turn + noise * rng.standard_normal(said.shape)).astype(np.float32)
    n, name = len(wanted), encoder.key.name
    return Rows(
        np.asarray(wanted, dtype=np.int64),
        np.arange(n, dtype=np.int64),
        tuple(f"{name}-{i}" for i in wanted),
        (None,) * n,
        (None,) * n,
        cells,
    )


def fit(n_texts, n_images=0, n_sounds=0, previous=None, spec=SPEC):
    """Fit on a lake of that size."""
    rows = texts(n_texts)
    given = {
        IMAGE.key.name: media(rows, IMAGE, items=np.arange(n_images)),
        AUDIO.key.name: media(rows, AUDIO, items=np.arange(n_sounds)),
    }
    return fit_projection(rows, given, KEYS, spec, previous, make=make)


def states(projection):
    """Encoder name → state of its head."""
    return {name: joined.head.state for name, joined in projection.heads.items()}


def test_a_lake_without_pairs_has_background_and_labels():
    """Texts by neutral sentences, pictures by class names, sounds not at all; nothing was seen."""
    found = fit(0)

    assert states(found) == {
        "hash-text": "background",
        "hash-image": "label",
        "hash-video": "label",
    }
    assert (found.version, found.space, found.dim) == ("p1", "hash-text/p1", DIM)
    assert not found.fitted_on.contents
    assert not found.joins(AUDIO.key)


def test_nothing_new_fits_nothing():
    """The same lake, or one with a few more texts, keeps the projection that it has."""
    first = fit(0)

    assert fit(0, previous=first) is None
    assert fit(5, n_images=5, previous=Projection.from_files(first.to_files())) is None


def test_a_modality_is_fitted_by_the_first_run_that_has_its_pairs():
    """p1 labels; p2 pictures; p3 sounds. What was fitted stays the very head that it was."""
    first = fit(0)
    second = fit(60, n_images=60, previous=first)
    third = fit(60, n_images=60, n_sounds=60, previous=second)

    assert (second.version, third.version) == ("p2", "p3")
    assert states(second)["hash-image"] == states(second)["hash-text"] == "fitted"
    assert "hash-audio" not in second.heads
    assert states(third)["hash-audio"] == "fitted"
    assert third.heads["hash-image"].head is second.heads["hash-image"].head
    assert third.fitted_on.contents > second.fitted_on.contents
    assert fit(70, n_images=70, n_sounds=70, previous=third) is None


def test_encoders_of_one_space_share_the_head():
    """What was fitted on pictures serves frames of videos too."""
    found = fit(60, n_images=60)

    assert found.heads["hash-video"].head is found.heads["hash-image"].head


def test_nothing_of_a_held_out_item_is_seen():
    """Neither contents nor captions of items with a held-out caption are fitted on."""
    rows = texts(60)
    found = fit(60, n_images=60)
    allowed = set(rows.item_ids[fit_rows(rows, SPEC.held_out)].tolist())

    assert 0 < len(allowed) < 60
    held = {key for key in caption_keys(rows) if is_held_out(key, SPEC.held_out)}
    assert held
    assert caption_digests(held).isdisjoint(found.fitted_on.captions)
    assert {c for c in found.fitted_on.contents if c.startswith("hash-image")} == {
        f"hash-image-{item}" for item in allowed
    }
    assert len(found.heads["hash-image"].head.fitted.support) == len(allowed)


def test_captions_find_held_out_pictures_after_the_fit():
    """The pictures' space is turned against the texts'; the fit turns it back, unseen ones too."""
    rows = texts(400)
    found = fit(400, n_images=400)
    unseen = sorted(set(range(400)) - set(rows.item_ids[fit_rows(rows, SPEC.held_out)].tolist()))[
        :50
    ]
    cells = media(rows, IMAGE, items=np.arange(400)).vectors[unseen]
    english = rows.vectors[::2][unseen]
    pictures = found.project(IMAGE.key, cells, [None] * len(unseen))
    captions = found.project(TEXT.key, english, ["en"] * len(unseen))

    first = (captions @ pictures.T).argmax(axis=1) == np.arange(len(unseen))
    assert first.mean() > 0.5


def test_a_changed_encoder_is_fitted_again_and_a_changed_text_encoder_changes_all():
    """A head belongs to its encoder's fingerprint; all heads belong to the text encoder's."""
    first = fit(60, n_images=60, n_sounds=60)
    rows = texts(60)
    given = {e.key.name: media(rows, e) for e in (IMAGE, AUDIO)}
    sound = [replace(k, fingerprint="new") if k.name == "hash-audio" else k for k in KEYS]
    text = [replace(k, fingerprint="new") if k.name == "hash-text" else k for k in KEYS]

    other = fit_projection(rows, given, sound, SPEC, first, make=make)
    assert other.heads["hash-audio"].head is not first.heads["hash-audio"].head
    assert other.heads["hash-image"].head is first.heads["hash-image"].head
    every = fit_projection(rows, given, text, SPEC, first, make=make)
    assert every.heads["hash-image"].head is not first.heads["hash-image"].head
    assert every.version == "p2"


def test_the_same_lake_gives_the_same_projection():
    """Two fits have equal files, whatever the order of the rows."""
    rows = texts(60)
    given = media(rows, IMAGE)
    back = np.arange(len(given))[::-1]
    one, other = (
        fit_projection(rows, {"hash-image": g}, KEYS, SPEC, None, make=make)
        for g in (given, given.take(back))
    )

    assert one.to_files() == other.to_files()


def test_fewer_pairs_than_asked_for_fit_nothing():
    """The setting decides, not our taste."""
    assert states(fit(60, n_images=60, spec=FitSpec(min_pairs=1000)))["hash-image"] == "label"


def test_one_long_text_is_one_caption():
    """The chunks of a book, or one caption of many items, fit no mean of a language."""
    parts = [f"part {n}" for n in range(60)]
    book = Rows(
        np.zeros(60, np.int64),
        np.arange(60),
        ("book",) * 60,
        ("en",) * 60,
        tuple(parts),
        TEXT.encode(parts),
    )
    same = replace(book, item_ids=np.arange(60), segment_ids=np.zeros(60, np.int64))
    for rows in (book, same):
        found = fit_projection(rows, {}, KEYS, FitSpec(held_out=0.0), None, make=make)
        assert states(found)["hash-text"] == "background"


def test_what_is_fitted_already_is_told_without_a_row():
    """All at first; then those that had too few pairs; and all, once the text encoder changed."""
    first, second = fit(60, n_images=60), fit(60, n_images=60, n_sounds=60)
    text = [replace(k, fingerprint="new") if k.name == "hash-text" else k for k in KEYS]

    assert unfitted(KEYS, None) == tuple(KEYS)
    assert unfitted(KEYS, fit(0)) == tuple(KEYS)
    assert [key.name for key in unfitted(KEYS, first)] == ["hash-audio"]
    assert unfitted(KEYS, second) == ()
    assert unfitted(text, second) == tuple(text)
    assert unfitted([TEXT.key], second) == ()
    assert unfitted([replace(key, space="joint") for key in KEYS], None) == ()


def test_encoders_of_one_joint_space_need_no_projection():
    """Two towers share their space as they are."""
    keys = [replace(key, space="joint") for key in KEYS]

    assert fit_projection(texts(3), {}, keys, SPEC, None, make=make) is None


def joint_keys(*foreign):
    """Texts and pictures of one space, with what is named of others."""
    return [TEXT.key, replace(IMAGE.key, space=TEXT.key.space), *foreign]


def fit_joint(n_sounds, previous=None, keys=None):
    """Fit on a lake of sixty items, of which some have sounds."""
    rows = texts(60)
    given = {AUDIO.key.name: media(rows, AUDIO, items=np.arange(n_sounds))}
    keys = joint_keys(AUDIO.key) if keys is None else keys
    return fit_projection(rows, given, keys, SPEC, previous, make=make)


def test_what_is_joined_to_a_joint_space_does_not_move_it():
    """Texts and pictures keep their vectors; sounds are led to where captions are, unwhitened."""
    found, rows = fit_joint(60), texts(60)

    assert states(found) == {"hash-text": "joint", "hash-image": "joint", "hash-audio": "fitted"}
    head = found.heads["hash-audio"].head
    np.testing.assert_array_equal(head.whitening, np.eye(DIM))
    assert head.fitted.mean is not None
    words = rows.vectors[:4]
    np.testing.assert_array_equal(found.project(TEXT.key, words, ["en", "zh"] * 2), words)
    sounds = media(rows, AUDIO)
    placed = found.project(AUDIO.key, sounds.vectors, [None] * 60)
    near = (placed * directions(rows.vectors[::2] + rows.vectors[1::2])).sum(axis=1)
    assert near.mean() > 0.5


def test_a_joint_space_has_no_projection_before_somebody_is_joined():
    """To copy all vectors for nobody helps nobody."""
    assert fit_joint(0) is None
    assert [key.name for key in unfitted(joint_keys(AUDIO.key), None)] == ["hash-audio"]


def test_a_partner_that_is_new_is_joined_without_a_fit():
    """Its head is the very head of the others; what was fitted stays."""
    first = fit_joint(60)
    keys = [replace(k, fingerprint="new") if k.name == "hash-image" else k for k in joint_keys()]
    keys = [*keys, AUDIO.key]
    second = fit_joint(60, first, keys)

    assert unfitted(keys, first) == ()
    assert second.joins(keys[1])
    assert second.heads["hash-audio"].head is first.heads["hash-audio"].head
    assert fit_joint(60, second, keys) is None


def test_a_space_that_becomes_a_joint_one_is_fitted_anew():
    """Heads that lead to centred texts lead elsewhere: none is kept, in either direction."""
    alone = [TEXT.key, AUDIO.key]
    centred = fit_joint(60, keys=alone)
    joint = fit_joint(60, centred)

    assert states(centred)["hash-text"] == "fitted"
    assert joint.heads["hash-audio"].head is not centred.heads["hash-audio"].head
    assert states(joint)["hash-text"] == "joint"
    assert states(fit_joint(60, joint, alone))["hash-text"] == "fitted"
    assert (stands(alone, centred), stands(joint_keys(AUDIO.key), centred)) == (True, False)


def test_an_encoder_with_a_text_tower_of_its_own_is_left_alone():
    """It is asked by that tower; nobody else needs a projection here."""
    tower = replace(TEXT.key, name="further", space=AUDIO.key.space)

    assert unfitted([TEXT.key, AUDIO.key, tower], None) == ()
    found = fit(60, n_images=60)
    assert fit_joint(60, found, [TEXT.key, AUDIO.key, tower]) is None
    assert not stands([TEXT.key, AUDIO.key, tower], found)


def test_without_a_text_encoder_nothing_is_joined():
    """Captions are what joins the media."""
    assert unfitted([IMAGE.key], None) == ()
    assert fit_projection(texts(3), {}, [IMAGE.key], SPEC, None, make=make) is None


def test_one_fold_validates_nothing():
    """Cross-validation needs two folds at least; the spec says so before any work."""
    with pytest.raises(ValidationError, match="greater than or equal to 2"):
        FitSpec(folds=1)


def test_second_captions_that_items_share_leave_them_their_own():
    """28 English captions and seven Chinese ones: seven groups, and 28 different captions."""
    rows = texts(28)
    words = tuple(w if w.startswith("thing") else f"颜色{int(w[2:]) % 7}" for w in rows.texts)
    given = {IMAGE.key.name: media(rows, IMAGE)}
    spec = FitSpec(held_out=0)
    found = fit_projection(replace(rows, texts=words), given, KEYS, spec, None, make=make)

    assert states(found)["hash-image"] == "fitted"


def test_no_fold_of_an_index_run_knows_the_picture_that_it_asks_for(monkeypatch):
    """A picture of two items is on one side, and each of its captions finds it."""
    chosen = []
    monkeypatch.setattr(
        "mmcore.training.fitting.choose",
        lambda problem, count: chosen.append(problem.pairs) or Choice(2.0, 1.0, 0.1, 0.0),
    )
    rows = texts(40)
    one = media(rows, IMAGE)
    given = {IMAGE.key.name: replace(one, content_ids=tuple(f"p{i // 2}" for i in range(40)))}
    fit_projection(rows, given, KEYS, FitSpec(held_out=0), None, make=make)
    pairs = chosen[0]

    by_content = {}
    for content, key, code in zip(
        pairs.content_ids, pairs.keys, pairs.right.codes.tolist(), strict=True
    ):
        by_content.setdefault(content, set()).add((key, code))
    assert len(by_content) == 20
    assert all(len(found) == 1 for found in by_content.values())


def test_the_cross_validation_knows_tags(monkeypatch):
    """A Chinese word of all items is right for all, so it does not choose a ridge by chance."""
    chosen = []
    monkeypatch.setattr(
        "mmcore.training.fitting.choose",
        lambda problem, count: chosen.append(problem.pairs) or Choice(2.0, 1.0, 0.1, 0.0),
    )
    rows = texts(40)
    words = tuple(w if w.startswith("thing") else "图片" for w in rows.texts)
    given = {IMAGE.key.name: media(rows, IMAGE)}
    fit_projection(replace(rows, texts=words), given, KEYS, FitSpec(held_out=0), None, make=make)
    right = chosen[0].right

    assert right.right(right, "zh").all()
    assert (right.right(right, "en") == np.eye(40, dtype=bool)).all()
