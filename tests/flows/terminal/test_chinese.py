import io
import re

import pytest
from rich.console import Console

from flows.telling.progress import LogStages, log_lines
from flows.terminal.chinese import LINES, STAGES, speaking, stage, told
from mmcore.errors import ConfigError
from storage.errors import LakeLockedError, NoLakeError
from tasks.one_medium import texts_alone


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("ridge, text ridge 1: held-out RR 0.250", "ridge, text ridge 1：留出 RR 0.250"),
        ("fused 3 of 4", "已融合 3/4"),
        ("logmel: 3 pairs, too few to learn from", "logmel：3 对，太少，不足以学习"),
        (texts_alone("lake"), "lake 中只有文本：训练需要既有文字说明又有图片、声音或视频的条目"),
        (
            "it serves all the same, as told: what serves is as good: RR 0.1200 with either",
            "按要求仍然启用：正在使用的同样好：RR 均为 0.1200",
        ),
        ("what nobody translated", "what nobody translated"),
    ],
)
def test_a_known_line_is_said_in_chinese(line, says):
    """An unknown one stays as it is, and so does any in English."""
    assert told(line, "zh") == says
    assert told(line, "en") == line


def test_every_pattern_says_all_that_the_english_line_says():
    """No group is lost, and none that is not there is asked for."""
    for english, chinese in LINES:
        groups = {int(number) for number in re.findall(r"\\([0-9])", chinese)}
        assert groups == set(range(1, english.groups + 1)), chinese


def test_the_stages_of_a_training_are_named():
    """All of those that its flow begins."""
    assert {stage(name, "zh") for name in STAGES} == set(STAGES.values())
    assert stage("project", "en") == stage("other", "zh").replace("other", "project")


@pytest.mark.parametrize("error", [NoLakeError("lake"), LakeLockedError("lake", "night")])
def test_an_error_of_ours_speaks_the_language(error):
    """Its facts stay; the way out is a command, as before."""
    english = str(error)
    with pytest.raises(type(error)) as raised, speaking("zh"):
        raise error

    assert str(raised.value) != english
    assert raised.value.lake == "lake"
    with pytest.raises(ConfigError, match="none of these"), speaking("zh"):
        raise ConfigError("none of these")


def test_progress_is_told_in_chinese():
    """Stage, time and note."""
    out = Console(file=io.StringIO(), width=200)
    with log_lines(out, "zh"):
        stages = LogStages("zh")
        stages.begin("fuse", None, "")
        stages.end("fuse", "fused 3 of 4")

    lines = out.file.getvalue().splitlines()
    assert lines[0].endswith("融合：开始")
    assert re.search(r"融合：完成，0\.0 秒，已融合 3/4$", lines[1])
