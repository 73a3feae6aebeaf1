"""What the pages say: English, Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

SAID: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "published": ("Snapshot {snapshot} serves", "快照 {snapshot} 提供服务"),
        "unchanged": (
            "Nothing changed: snapshot {snapshot} still serves",
            "没有变化：仍由快照 {snapshot} 提供服务",
        ),
        "planned": ("Dry run: nothing was done", "试运行：什么都没有做"),
        "removed": (
            "Removed {count:,} files, {size:,.1f} MB",
            "已删除 {count:,} 个文件，{size:,.1f} MB",
        ),
        "removed-1": ("Removed 1 file, {size:,.1f} MB", "已删除 1 个文件，{size:,.1f} MB"),
        "compacted": ("Compacted, nothing removed", "已合并，没有删除任何文件"),
        "nothing": ("Nothing to do", "没有要做的事"),
        "promoted": (
            "Promoted: snapshot {snapshot} serves",
            "已启用：现由快照 {snapshot} 提供服务",
        ),
        "refused": (
            "Not promoted: snapshot {snapshot} still serves",
            "未启用：仍由快照 {snapshot} 提供服务",
        ),
        "stored": (
            "Stored, not to be promoted: snapshot {snapshot} still serves",
            "已保存，按要求不启用：仍由快照 {snapshot} 提供服务",
        ),
        "too-few": (
            "Nothing to learn from: {pairs:,} of {needed:,} pairs that it takes of one medium",
            "没有可学习的内容：同一媒体需要 {needed:,} 对，只有 {pairs:,} 对",
        ),
        "too-alike": (
            "Nothing to learn from: {pairs:,} pairs, but too few different captions or files",
            "没有可学习的内容：有 {pairs:,} 对，但不同的文字说明或文件太少",
        ),
        "of-snapshot": ("Snapshot {snapshot}", "快照 {snapshot}"),
        "stale": (
            "the sources were not looked at for {hours:,.1f} h",
            "已有 {hours:,.1f} 小时没有查看来源",
        ),
        "rolled-back": ("snapshot {snapshot} serves again", "重新由快照 {snapshot} 提供服务"),
        "failed": ("The run failed", "运行失败"),
        "blocked": ("The gate blocked it: it is not published", "被闸门拦截：没有发布"),
        "interrupted": ("The run was interrupted", "运行被中断"),
        "serves": (
            "What was published before serves on. The next run goes on where this one ended.",
            "之前发布的快照继续提供服务。下一次运行会从中断处继续。",
        ),
        "open-report": (
            "Open the report and mend the cause, or let it serve: {command}",
            "请查看报告并解决原因，或者照样发布：{command}",
        ),
        "by-hand": (
            "The lake is private: run the same command by hand to read what is wrong.",
            "数据湖是私有的：请手动运行同一命令查看原因。",
        ),
        "items": ("Items", "条目"),
        "files": ("Files", "文件"),
        "changed": ("Changed", "变化"),
        "change": (
            "items: {added:,} new, {gone:,} gone",
            "条目：新增 {added:,} 个，移除 {gone:,} 个",
        ),
        "embedded": ("Embedded", "已嵌入"),
        "to-embed": ("To embed", "待嵌入"),
        "kept": ("Kept", "保留"),
        "segments": ("Segments", "片段"),
        "waiting": ("Wait for the next run", "等待下次运行"),
        "forgotten": ("Forgotten, left out", "已清除，不计入"),
        "truncated": ("Cut to what a model takes", "超出模型长度而截断"),
        "mended": ("Damaged files of the lake, made again", "数据湖中损坏并已重建的文件"),
        "erasure": ("Erasure NOT ENDED", "清除尚未完成"),
        "gate": ("Gate", "闸门"),
        "against": ("compared with snapshot {baseline}", "与快照 {baseline} 比较"),
        "untold": ("Not notified", "未能通知"),
        "lake": ("Lake", "数据湖"),
        "report": ("Report", "报告"),
        "findings": ("Findings", "问题"),
        "quarantine": ("Quarantine", "隔离区"),
        "reason": ("Reason", "原因"),
        "quarantine-todo": (
            "`mmindex quarantine` says what each means, and what to do.",
            "`mmindex quarantine` 说明每个原因以及处理办法。",
        ),
        "rates": ("Rates", "速度"),
        "encoder": ("Encoder", "编码器"),
        "rate": ("/s", "/s"),
        "busy": ("Busy", "占用"),
        "waited": ("Wait, s", "等待"),
        "devices": ("Devices", "设备"),
        "retrieval": ("Retrieval", "检索"),
        "direction": ("Direction", "方向"),
        "Success@1": ("Success@1", "Success@1"),
        "Success@10": ("Success@10", "Success@10"),
        "RR": ("RR", "RR"),
        "stages": ("Stages", "阶段"),
        "stage": ("Stage", "阶段"),
        "seconds": ("Seconds", "秒"),
        "kind": ("Kind", "种类"),
        "megabytes": ("MB", "MB"),
        "gone": ("Snapshots that go", "移除的快照"),
        "stay": ("Snapshots that stay", "保留的快照"),
        "parts": ("Parts", "数据文件"),
        "merged": ("{before:,} into {after:,}", "{before:,} 个合并为 {after:,} 个"),
        "left-out": ("Not compacted", "没有合并"),
        "models": ("Models", "模型"),
        "fusion": ("Fusion", "融合"),
        "projection": ("Projection", "投影"),
        "compared": ("Mean RR, before and after", "平均 RR（之前、之后）"),
        "why": ("Why", "原因"),
        "learned": ("Learned from", "训练数据"),
        "error": ("Error", "错误"),
        "exit-code": ("Exit code", "退出码"),
        "took": ("Took, s", "用时（秒）"),
    }
)
