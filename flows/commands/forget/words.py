"""What `mmindex forget` says to people, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from mmcore.media.reasons import Language

Words = Mapping[str, str]

WORDS: Final[Mapping[Language, Words]] = MappingProxyType(
    {
        "en": {
            "item": "{count:,} item",
            "items": "{count:,} items",
            "file": "{count:,} file",
            "files": "{count:,} files",
            "content": "{count:,} content",
            "contents": "{count:,} contents",
            "caption": "{count:,} caption",
            "captions": "{count:,} captions",
            "tombstone": "{count:,} tombstone",
            "tombstones": "{count:,} tombstones",
            "counts": "{items}, {files}, {contents}",
            "forgot": "[green]forgot[/] {what}",
            "planned": "dry run: would forget {what}",
            "ended": "ended an erasure that was interrupted",
            "left": "[red]tried to end an erasure that waits: something of it is left[/]",
            "waits": "an erasure waits: {why}",
            "declined": "nothing was forgotten",
            "forget": "forget",
            "quarantined": "quarantined",
            "stay": "stay",
            "stay-count": "{contents}, which others have too:",
            "stays": "what stays is kept out only where the forgotten item had it: moved or"
            " copied, it comes in again",
            "content-option": "--content takes it from them as well, and keeps it out wherever it"
            " lies",
            "lose": "lose it",
            "lake": "lake",
            "snapshots": "snapshots",
            "anew": "{numbers} written anew; {removed} removed",
            "none": "none",
            "between": ", ",
            "candidates": "candidates",
            "dropped": "{names} dropped",
            "reports": "reports",
            "cleaned": "{count:,} files cleaned",
            "sets": "query sets",
            "of-set": "{name}: {queries} {queries:query|queries} and {judged}"
            " {judged:judgement|judgements} taken out; its scores are of what is left",
            "set-gone": "{name}: removed, nothing of it is left",
            "model": "model",
            "seen": "{model} was fitted on {contents} and {captions} of it",
            "weights": "its weights stay: `mmindex train` makes a new one without it; where too"
            " few pairs are left to train, index into a new lake",
            "proof": "proof",
            "read": "{files}, {megabytes:,.1f} MB read for {patterns} {patterns:trace|traces}",
            "found": "[red]{read}: {files} with some of them[/]",
            "clean": "{read}: [green]none found[/]",
            "beyond": "backups, copies of the lake, older versions that a bucket keeps, other"
            " machines' caches, and the media themselves are not touched",
            "more-json": "and {count:,} more: --json names them all",
            "more": "and {count:,} more",
            "several": "{path} is a file of {items}:",
            "one-of-them": "to forget one of them alone: --item ROOT/KEY",
            "lifted": "lifted {tombstones}: the next `mmindex index` takes {them} in again",
            "would-lift": "dry run: would lift {tombstones}: the next `mmindex index` takes {them}"
            " in again",
            "that": "that file",
            "those": "those files",
            "stays-out": "{tombstones} stays: an item's other files have their own; name them, or"
            " their folder, too",
            "stay-out": "{tombstones} stay: an item's other files have their own; name them, or"
            " their folder, too",
            "ask-all": "Forget all {items}?",
            "ask": "Erase this?",
            "ask-which": "Forget which (numbers, or all)",
            "nothing": "none",
            "all": "all",
        },
        "zh": {
            "item": "{count:,} 个条目",
            "items": "{count:,} 个条目",
            "file": "{count:,} 个文件",
            "files": "{count:,} 个文件",
            "content": "{count:,} 个内容",
            "contents": "{count:,} 个内容",
            "caption": "{count:,} 条文字说明",
            "captions": "{count:,} 条文字说明",
            "tombstone": "{count:,} 个清除标记",
            "tombstones": "{count:,} 个清除标记",
            "counts": "{items}、{files}、{contents}",
            "forgot": "[green]已清除[/] {what}",
            "planned": "试运行：将清除 {what}",
            "ended": "已完成此前中断的清除",
            "left": "[red]尝试完成待续的清除：仍有残留[/]",
            "waits": "有一次清除待续：{why}",
            "declined": "没有清除任何内容",
            "forget": "清除",
            "quarantined": "隔离区",
            "stay": "保留",
            "stay-count": "{contents}，其他条目也有：",
            "stays": "保留的内容只在被清除条目原来的位置不再收录：移动或复制后会重新收录",
            "content-option": "加 --content 则一并从其他条目中删除，无论放在哪里都不再收录",
            "lose": "同时失去",
            "lake": "数据湖",
            "snapshots": "快照",
            "anew": "{numbers} 已重写；删除了 {removed}",
            "none": "无",
            "between": "、",
            "candidates": "候选快照",
            "dropped": "{names} 已丢弃",
            "reports": "报告",
            "cleaned": "{count:,} 个文件已清理",
            "sets": "查询集",
            "of-set": "{name}：去掉了 {queries} 个查询、{judged} 条判断；此后的得分只按剩下的计算",
            "set-gone": "{name}：已全部去掉",
            "model": "模型",
            "seen": "{model} 的训练数据含其中 {contents}、{captions}",
            "weights": "其权重仍在：用 `mmindex train` 训练不含这些数据的新模型；"
            "若剩下的配对太少，请另建一个数据湖",
            "proof": "证明",
            "read": "已读 {files}、{megabytes:,.1f} MB，查找 {patterns:,} 个痕迹",
            "found": "[red]{read}：{files}仍含其中一些[/]",
            "clean": "{read}：[green]均未发现[/]",
            "beyond": "备份、数据湖的副本、存储桶的旧版本、其他机器的缓存、媒体文件本身均未改动",
            "more-json": "另有 {count:,} 个：--json 列出全部",
            "more": "另有 {count:,} 个",
            "several": "{path} 是 {items}共有的文件：",
            "one-of-them": "只清除其中一个：--item ROOT/KEY",
            "lifted": "已解除 {tombstones}：下次 `mmindex index` 会重新收录{them}",
            "would-lift": "试运行：将解除 {tombstones}：下次 `mmindex index` 会重新收录{them}",
            "that": "该文件",
            "those": "这些文件",
            "stays-out": "仍有 {tombstones}：条目的其他文件各有标记，请一并写出它们或其文件夹",
            "stay-out": "仍有 {tombstones}：条目的其他文件各有标记，请一并写出它们或其文件夹",
            "ask-all": "清除全部 {items}？",
            "ask": "清除这些？",
            "ask-which": "清除哪些（编号，或“全部”）",
            "nothing": "无",
            "all": "全部",
        },
    }
)


def counted(count: int, what: str, words: Words) -> str:
    """``1 item``, ``2 items``; ``what`` is the singular's name in ``WORDS``."""
    return words[what if count == 1 else f"{what}s"].format(count=count)
