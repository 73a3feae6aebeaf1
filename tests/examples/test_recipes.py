"""The programs of docs/recipes.md, over a lake of real media with the preset `embedded`."""

import importlib.util
import logging
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image, ImageEnhance

from mmcore.search import Searcher
from mmcore.specs import RuntimeSpec
from storage.schemas import Modality, item_id
from tests import crashes

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
MEDIA = EXAMPLES / "media"
SEEN = range(40, 46)  # seconds in which something else passes the camera
LENGTH = 60
TOOL = str(MEDIA / "catalogue" / "p002.jpg")


def program(name):
    """An example as a module."""
    place = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    made = importlib.util.module_from_spec(place)
    sys.modules[place.name] = made  # as dataclasses ask
    place.loader.exec_module(made)
    return made


def camera(path):
    """A video of a place, by day and by cloud, which horses cross once."""
    scene = Image.open(MEDIA / "places" / "windmills.jpg").convert("RGB")
    other = Image.open(MEDIA / "animals" / "horses.jpg").convert("RGB")
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=1, options={"crf": "20"})
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        for second in range(LENGTH):
            shown = other if second in SEEN else scene
            frame = shown.crop((second % 7, second % 5, *shown.size)).resize((320, 240))
            lit = ImageEnhance.Brightness(frame).enhance(0.85 + 0.05 * (second % 6))
            picture = av.VideoFrame.from_image(lit)
            picture.pts, picture.time_base = second, Fraction(1, 1)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Animals with captions and sounds, a catalogue with labels, a camera's video."""
    root = tmp_path_factory.mktemp("recipes")
    for name in ("animals", "catalogue"):
        shutil.copytree(MEDIA / name, root / "media" / name)
    camera(root / "media" / "gate.mp4")
    logging.disable(logging.INFO)
    with pytest.MonkeyPatch.context() as patch:
        from flows.engines import lanes, sharding

        index = crashes.plain_index(patch)
        patch.undo()  # the fakes that it put in place of encoders
        crashes.plain_tasks(patch)
        for module in (lanes, sharding):
            patch.setattr(module, "task_runner", lambda *_: crashes.Inline())
        runtime = RuntimeSpec(device="cpu", isolate=False)
        index(root / "media", root / "lake", preset="embedded", runtime=runtime)
    logging.disable(logging.NOTSET)
    return root / "lake"


@pytest.fixture(scope="module")
def searcher(lake):
    """The lake, opened."""
    return Searcher.open(lake)


def test_an_archive_answers_a_keyword_with_all_media(searcher):
    """Each medium has its own best; 猫 finds the cat's caption, picture and sound."""
    found = program("archive").found(searcher, "一只猫的脸", k=3)

    assert list(found) == list(Modality)
    for medium in (Modality.IMAGE, Modality.TEXT):
        assert found[medium].hits[0].key == "animals/cat"
    assert {hit.modality for hit in found[Modality.TEXT].hits} == {Modality.TEXT}
    matched = {word for why in found[Modality.TEXT].hits[0].why for word in why.words}
    assert "猫" in matched


def test_a_question_is_answered_by_passages_with_their_pictures(searcher):
    """The passage says where it stands; its pictures are those of its own item."""
    found = list(program("passages").passages(searcher, "What does the bee fly to?"))

    assert found[0].text.key == "animals/bee"
    assert found[0].text.text
    assert [picture.path for picture in found[0].pictures] == ["animals/bee.jpg"]
    assert len({passage.text.item_id for passage in found}) == len(found) == 3
    assert all(p.item_id == one.text.item_id for one in found for p in one.pictures)


def test_a_history_recommends_what_is_like_it(searcher):
    """Nothing that was looked at; another history finds others; what is disliked counts less."""
    recommended = program("recommend").recommended
    named = {
        key: item_id("media", key) for key in ("animals/cat", "animals/dog", "catalogue/p001")
    }
    tools = {f"catalogue/p00{n}" for n in range(1, 10)} | {"catalogue/p010"}

    beasts = recommended(searcher, [named["animals/cat"], named["animals/dog"]], k=5)
    made = recommended(searcher, [named["catalogue/p001"]], k=5)
    without = recommended(searcher, [named["catalogue/p001"]], [beasts[0].item_id], k=5)

    assert not {hit.item_id for hit in beasts} & set(named.values())
    assert sum(hit.key in tools for hit in beasts) < sum(hit.key in tools for hit in made)
    assert beasts[0].item_id not in {hit.item_id for hit in without}


def test_what_was_not_seen_before_stands_out(searcher):
    """The frames in which something else passes, and no others; the scene itself comes back."""
    seen = list(program("watch").watched(searcher.snapshot, "media", "gate.mp4", since=20.0))
    far = [one.start for one in seen if one.stands_out]

    assert len(seen) > 15
    assert far
    assert set(far) <= {float(second) for second in SEEN}
    assert min(far) == float(min(SEEN))
    assert next(one for one in seen if one.start == min(far)).before == 0
    assert all(one.before > 0 for one in seen if one.start not in SEEN)


def test_a_case_is_found_by_picture_and_report_within_a_filter(searcher):
    """Both count; nothing that the filter excludes comes back, and k do where k pass."""
    picture = MEDIA / "catalogue" / "p002.jpg"
    cases = program("reports").cases

    tools = cases(searcher, picture, "a hammer with a red handle", "label = 'tool'", k=3)
    others = cases(searcher, picture, "a hammer with a red handle", "label <> 'tool'", k=3)

    assert tools.hits[0].key == "catalogue/p002"
    assert {"image", "text"} <= {why.by for why in tools.hits[0].why}
    assert len(others.hits) == 3
    assert "catalogue/p002" not in {hit.key for hit in others.hits}


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("archive", ["猫"], "animals/cat.jpg"),
        ("passages", ["What does the bee fly to?"], "shown in animals/bee.jpg"),
        ("recommend", ["animals/cat", "--not", "animals/dog"], "animals/"),
        ("watch", ["media/gate.mp4"], "seen 0 times before"),
        (
            "reports",
            [
                "--picture",
                str(MEDIA / "catalogue/p002.jpg"),
                "--report",
                "red",
                "--where",
                "has_image",
            ],
            "catalogue/p002",
        ),
    ],
)
def test_each_runs_as_a_program(lake, name, arguments, says):
    """From the command line of a shell."""
    ended = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py"), str(lake), *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"},
    )

    assert says in ended.stdout


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("archive", ["none", "猫"], "none has no published snapshot"),
        ("passages", [" ", " "], "has no published snapshot"),
        ("recommend", ["{lake}", "animals/none"], "the lake has no item 'animals/none'"),
        ("watch", ["{lake}", "media/none.mp4"], "no video media/none.mp4; it has: media/gate.mp4"),
        ("watch", ["{lake}", "media/gate.mp4", "--since", "99"], "give a smaller --since"),
        (
            "reports",
            ["{lake}", "--picture", "none.jpg", "--report", "red"],
            "none.jpg is not there: name a file",
        ),
        (
            "reports",
            ["{lake}", "--report", "red", "--picture", TOOL, "--where", 'label = "tool"'],
            "a text has single quotes: 'tool'",
        ),
    ],
)
def test_a_usual_mistake_is_one_line(lake, tmp_path, name, arguments, says):
    """No traceback: what is wrong, and the exit code of a wrong name."""
    ended = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py")]
        + [one.format(lake=lake) for one in arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"},
    )

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert says in ended.stderr


def test_nothing_found_is_said(lake, capsys, monkeypatch):
    """A condition that nothing passes, and a video in which nothing stands out."""
    reports = ["reports", str(lake), "--picture", TOOL, "--report", "red"]
    for name, arguments, says in (
        ("reports", [*reports, "--where", "label = 'none'"], "nothing found"),
        ("watch", ["watch", str(lake), "media/gate.mp4", "--since", "50"], "nothing stands out"),
    ):
        monkeypatch.setattr(sys, "argv", arguments)
        program(name).main()
        assert says in capsys.readouterr().out
