"""What `mmindex snapshots …` says, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from mmcore.media.reasons import Language

WORDS: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {
            "snapshot": "snapshot",
            "when": "when (UTC)",
            "items": "items",
            "segments": "segments",
            "evaluation": "evaluation",
            "gate": "gate",
            "none": "none",
            "unreadable": "cannot be read",
            "blocked": "blocked",
            "anyway": "snapshot {snapshot} was published all the same by {name}: {reason}",
            "part": "snapshot {snapshot} is a part of a first run: {files:,} of {of:,} files",
            "candidate": "candidate {run}: {blocked}",
            "diff": "[bold]snapshot {before} → {after}[/]",
            "added": "added",
            "gone": "gone",
            "renamed": "renamed",
            "changed": "changed",
            "files": "files",
            "of": "{things} {kind}",
            "of medium": "segments ({modality})",
            "more": "and {count:,} more: --json names them all",
            "direction": "direction",
            "sound": "[bold]snapshot {number}:[/] [green]sound, {files:,} {files:file|files},"
            " {bytes:,} {bytes:byte|bytes} checked[/]",
            "kept": "kept as {name}.damaged",
            "interrupted": "an erasure was interrupted, or not proved: what it was to erase may"
            " still be there; `mmindex maintain`, `index` or the next `forget` ends it",
            "already": "[bold]snapshot {number}[/] serves already",
            "unnamed": "no snapshot that can be named",
            "nothing": "nothing",
            "named": "snapshot {number}",
            "serves": "[bold]snapshot {number}[/] serves now; before, {then} did",
            "again": "the next `mmindex index` makes the same again, and publishes it unless the"
            " gate found it worse: mend the folder or the settings first",
            "serves on": "[bold]snapshot {number}[/] serves on",
            "by": "published all the same by {name}: {reason}",
            "not notified": "not notified: {who}",
        },
        "zh": {
            "snapshot": "快照",
            "when": "时间（UTC）",
            "items": "条目",
            "segments": "片段",
            "evaluation": "评测",
            "gate": "闸门",
            "none": "无",
            "unreadable": "无法读取",
            "blocked": "已拦截",
            "anyway": "快照 {snapshot} 由{name}照样发布，原因：{reason}",
            "part": "快照 {snapshot} 是首次运行的一部分：{of:,} 个文件中的 {files:,} 个",
            "candidate": "候选快照 {run}：{blocked}",
            "diff": "[bold]快照 {before} → {after}[/]",
            "added": "新增",
            "gone": "消失",
            "renamed": "改名",
            "changed": "改变",
            "files": "文件",
            "of": "{kind}的{things}",
            "of medium": "片段（{modality}）",
            "more": "另有 {count:,} 个：--json 会全部列出",
            "direction": "方向",
            "sound": "[bold]快照 {number}：[/][green]完好，已检查 {files:,} 个文件、"
            "{bytes:,} 字节[/]",
            "kept": "原文件改名为 {name}.damaged",
            "interrupted": "有一次清除被中断，或没有得到证明：要清除的内容可能还在；"
            "运行 `mmindex maintain`、`index` 或下一次 `forget` 会完成它",
            "already": "[bold]快照 {number}[/] 已经在提供服务",
            "unnamed": "不知道是哪个快照",
            "nothing": "没有快照",
            "named": "快照 {number}",
            "serves": "现在由[bold]快照 {number}[/] 提供服务；之前是：{then}",
            "again": "下一次 `mmindex index` 会再做出同样的快照，只要闸门没有判定它变差，"
            "就会发布：请先改正文件夹或设置",
            "serves on": "[bold]快照 {number}[/] 继续提供服务",
            "by": "由{name}照样发布，原因：{reason}",
            "not notified": "没有通知到：{who}",
        },
    }
)
