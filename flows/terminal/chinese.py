"""What runs and errors say in English, in Chinese: stages by name, lines by their pattern.

Stages, notes and errors are made where no language is known, in English. Those of a training and
of a promotion are known here; any other line stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final

from mmcore.media.reasons import Language
from mmcore.search.notes import said
from storage.schemas import MmindexError

STAGES: Final = MappingProxyType(
    {
        "walk": "列出",
        "crawl": "清点",
        "plan": "计划",
        "rows": "写表",
        "train projection": "训练投影",
        "project": "投影",
        "train fusion": "训练融合",
        "fuse": "融合",
        "index": "索引",
        "freeze": "冻结查询",
        "evaluate": "评测",
        "roll back": "回滚",
        "publish": "发布",
        "compact": "合并",
        "survey": "盘点",
        "collect": "清理",
    }
)

MODALITIES: Final = MappingProxyType(
    {"text": "文本", "image": "图片", "audio": "声音", "video": "视频"}
)

_LINES: Final = (
    (
        r"starting a temporary Prefect server \(PREFECT_API_URL names a running one\)",
        r"正在启动临时 Prefect 服务器（PREFECT_API_URL 可指定已有的服务器）",
    ),
    (
        r"the temporary Prefect server is still starting, after ([0-9]+) s: .*; it is given"
        r" ([0-9]+) s",
        r"临时 Prefect 服务器仍在启动，已过 \1 秒：机器繁忙，或数据库是新建的；最多等 \2 秒",
    ),
    (
        r"ending: what is finished is kept; Ctrl-C again ends at once",
        r"正在结束：已完成的会保留；再按一次 Ctrl-C 立即结束",
    ),
    (r"using the Prefect server at (.+)", r"使用 Prefect 服务器 \1"),
    (
        r"the lake is being written by (.+): waiting, (.+) s at most",
        r"\1 正在写入此数据湖：等待，最多 \2 秒",
    ),
    (r"(.+): held-out RR ([0-9.]+)", r"\1：留出 RR \2"),
    (r"won: (.+)", r"胜出：\1"),
    (r"fused ([0-9]+) of ([0-9]+)", r"已融合 \1/\2"),
    (r"([0-9]+) indexes", r"\1 个索引"),
    (r"snapshot ([0-9]+)", r"快照 \1"),
    (r"none is needed", "不需要"),
    (r"too few pairs", "配对太少"),
    (r"unchanged", "没有变化"),
    (r"nothing to project", "没有可投影的"),
    (r"nothing to fuse", "没有可融合的"),
    (r"not comparable", "无法比较"),
    (r"not to be promoted", "按要求不启用"),
    (r"blocked|block", "已拦截"),
    (r"pass", "通过"),
    (r"warn", "警告"),
    (r"unmeasured", "未评定"),
    (r"snapshot ([0-9]+) serves", r"快照 \1 提供服务"),
    (r"not rolled back", "没有回滚"),
    (r"failed", "失败"),
    (
        r"(.+): ([0-9]+) pairs, too few to (?:learn from|train a head for it)",
        r"\1：\2 对，太少，不足以学习",
    ),
    (r"it came to (.+), which is stored already", r"结果与已保存的 \1 相同"),
    (r"no two media of the lake live in one space", "数据湖中没有两种媒体处于同一空间"),
    (
        r"([0-9]+) items have two contents in the shared space, and a fusion is fitted on ([0-9]+)"
        r" at least",
        r"共享空间中只有 \1 个条目有两个内容，拟合融合至少需要 \2 个",
    ),
    (
        r"the ([0-9]+) items are ([0-9]+) groups? that share no caption and no file, too few to"
        r" hold some of them out",
        r"\1 个条目只有 \2 组（组间没有相同的文字说明或文件），不足以留出一部分",
    ),
    (r"it serves all the same, as told: (.+)", r"按要求仍然启用：\1"),
    (r"it serves all the same, since it served before: (.+)", r"曾经使用过，仍然启用：\1"),
    (r"what serves is better: RR ([0-9.]+).* ([0-9.]+).*", r"正在使用的更好：RR \1，换用后为 \2"),
    (r"what serves is as good: RR ([0-9.]+) with either", r"正在使用的同样好：RR 均为 \1"),
    (
        r"(.+) has no texts: training needs .*",
        r"\1 中没有文本：训练需要既有文字说明又有另一种媒体的条目",
    ),
    (
        r"(.+) has texts alone: training needs .*",
        r"\1 中只有文本：训练需要既有文字说明又有图片、声音或视频的条目",
    ),
    (
        r"(.+) has (?:no|one|[0-9]+) pairs? of a caption and another medium to learn from"
        r" \((.*)\); training needs ([0-9]+) of one medium, with ([0-9]+) different captions and"
        r" files\. Those whose caption is held out \(([0-9]+%) of them, by hash\) are not"
        r" counted.*",
        r"\1 中可供学习的配对（文字说明加另一种媒体）太少（\2）：同一种媒体需要 \3 对，"
        r"其中文字说明和文件各有 \4 个不同的。文字说明被留出的（按哈希占 \5）不计，它们用于评测",
    ),
    (
        r"(.+) has no published snapshot: make one with `(.+)`, or name another lake by .+",
        r"\1 中还没有快照：先运行 `\2`，或用 --lake 或 MMINDEX_LAKE 指定另一个数据湖",
    ),
    (
        r"(.+) is being written by (.+): try again later, or let the run wait for it: .+",
        r"\1 正由 \2 写入：请等它结束，或让本次运行等待：部署参数 `wait`，命令的 --wait 秒数",
    ),
    (
        r"(.+): no kept snapshot before ([0-9]+) had other models: (`.+`) names the versions that"
        r" (`.+`) can take",
        r"\1：快照 \2 之前保留的快照都没有用过别的模型：\3 列出 \4 可用的版本",
    ),
    (r"(.+) has no model (.+); there are: (.+)", r"\1 中没有模型 \2；现有：\3"),
    (
        r"there is no memory to train the (projection|fusion): .*",
        r"内存不足，无法训练（\1）：没有保存任何结果，已发布的继续服务；请先结束其他程序，"
        "或让它少试一些（docs/training.md）",
    ),
    (
        r"--force lets it serve, and --no-promote does not: say one of them",
        "--force 与 --no-promote 互相矛盾：只用其中一个",
    ),
    (r"no fusion named (.+); known: (.+)", r"没有名为 \1 的融合；可用：\2"),
)
LINES: Final = tuple((re.compile(english), chinese) for english, chinese in _LINES)


def told(line: str, language: Language) -> str:
    """A line in ``language``: as it is in English, and where its pattern is not known."""
    if language != "zh":
        return line
    for english, chinese in LINES:
        if found := english.fullmatch(line):
            return _filled(chinese, found)
    return line


def _filled(chinese: str, found: re.Match[str]) -> str:
    """The pattern's Chinese; what it quotes may be a line that is known itself."""
    return re.sub(r"\\([0-9])", lambda place: told(found[int(place[1])], "zh"), chinese)


def stage(name: str, language: Language) -> str:
    """The name of a stage in ``language``."""
    if language != "zh":
        return name
    first, _, rest = name.partition(" ")
    if first != "embed":
        return STAGES.get(name, name)
    modality, _, encoder = rest.partition(" ")
    return f"嵌入{MODALITIES.get(modality, modality)}{f' {encoder}' if encoder else ''}"


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """An error of ours from within says the same in ``language``, where that is known."""
    try:
        yield
    except MmindexError as error:
        line = told(said(error, language), language)
        if line != str(error):
            error.args = (line,)
        raise
