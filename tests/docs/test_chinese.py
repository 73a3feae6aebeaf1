"""Chinese pages, messages and the web page say one thing by one word."""

from __future__ import annotations

import re

import pytest

from tests.docs.blocks import PAGES, ROOT

INSTEAD = {  # an expression that another word here stands for: docs/concepts.zh.md has the words
    r"您": "你",
    r"音频": "声音",
    r"编码模型": "编码器",
    r"说明文字": "文字说明",
    r"拦下": "拦截",
    r"未作比较|未评测": "未评定 (unmeasured)",
    r"Prefect 服务(?!器)": "Prefect 服务器",
    r"应答|答复": "响应",
    r"迟到": "延迟",
    r"演练": "试运行",
    r"回退": "回滚",
    r"抹去": "清除",
    r"杀掉|被杀": "被终止",
    r"分数": "得分",
    r"根文件夹|(?<!平方)根(?!目录|据|本)": "根目录",
}
MESSAGES = [
    "flows/commands/doctor/words.toml",
    "flows/telling/night.toml",
    "mmcore/evaluation/reporting/words.toml",
    "mmcore/media/reasons.toml",
    "mmcore/search/http/pages/words.js",
    "mmcore/search/notes.toml",
]
WORDS = [
    place.relative_to(ROOT).as_posix()
    for room in ("flows", "tasks", "mmcore/search/http")
    for place in sorted((ROOT / room).rglob("*.py"))
]
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
TEXTS = {
    **{name: CODE.sub("", path.read_text("utf-8")) for name, path in PAGES.items()},
    **{name: (ROOT / name).read_text("utf-8") for name in [*MESSAGES, *WORDS]},
}
CHINESE = [name for name in TEXTS if name.endswith(".zh.md") or not name.endswith(".md")]


@pytest.mark.parametrize("avoided", INSTEAD)
def test_one_thing_has_one_word(avoided):
    """Of words that mean the same, one is used everywhere."""
    said = [
        f"{name}: {found[0]} → {INSTEAD[avoided]}"
        for name in CHINESE
        for found in re.finditer(rf".{{0,12}}(?:{avoided}).{{0,12}}", TEXTS[name])
    ]
    assert said == []


def test_messages_name_the_lake_in_full():
    """A message is read alone: there it is 数据湖, which pages that explain it shorten to 湖."""
    short = re.compile(r".{0,12}(?<!数据)湖.{0,12}")
    said = [
        f"{name}: {found}" for name in [*MESSAGES, *WORDS] for found in short.findall(TEXTS[name])
    ]
    assert said == []
