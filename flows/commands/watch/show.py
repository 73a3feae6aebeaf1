"""What `mmindex watch` says, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from mmcore.media.debounce import MOST
from mmcore.media.reasons import Language

SAID: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {
            "events": "{root}: changes are told by the system",
            "polling": "{root}: listed every {every:g} s{why}",
            "absent": "{root}: not there, or nothing in it; it is looked for",
            "why": " ({why})",
            "started": "watching for {lake}: a full look now, and every {look:g} s; Ctrl-C ends",
            "changes": "looking: {count:,} changes",
            "changes-1": "looking: 1 change",
            "changes-many": "looking: more than {count:,} changes",
            "look": "looking at everything",
            "unchanged": "nothing new; snapshot {snapshot} serves ({seconds:.1f} s)",
            "published": "snapshot {snapshot} serves: {what} ({seconds:.1f} s)",
            "new": "{count} new items",
            "new-1": "1 new item",
            "gone": "{count} items gone",
            "gone-1": "1 item gone",
            "renamed": "{count} items renamed",
            "renamed-1": "1 item renamed",
            "altered": "{count} items changed",
            "altered-1": "1 item changed",
            "bad": "{count} files in quarantine",
            "bad-1": "1 file in quarantine",
            "waiting": "{count} files are being written and wait",
            "waiting-1": "1 file is being written and waits",
            "other": "files changed",
            "between": ", ",
            "failed": "the run ended with code {code}{why}; what is published serves on; {next}",
            "killed": "signal {code} ended the run{why}; what is published serves on; {next}",
            "again": "tried again in {seconds:.0f} s",
            "change": "tried again when something changes",
            "ending": "ending: the run under way is interrupted, what is finished is kept",
            "ended": "ended",
        },
        "zh": {
            "events": "{root}：由系统通知变化",
            "polling": "{root}：每 {every:g} 秒列出一次{why}",
            "absent": "{root}：不存在或为空；会继续寻找",
            "why": "（{why}）",
            "started": "正在为 {lake} 监视：现在全面查看，之后每 {look:g} 秒一次；按 Ctrl-C 结束",
            "changes": "正在查看：{count:,} 处变化",
            "changes-1": "正在查看：1 处变化",
            "changes-many": "正在查看：超过 {count:,} 处变化",
            "look": "正在全面查看",
            "unchanged": "没有新内容；快照 {snapshot} 提供服务（{seconds:.1f} 秒）",
            "published": "快照 {snapshot} 提供服务：{what}（{seconds:.1f} 秒）",
            "new": "新增 {count} 个条目",
            "new-1": "新增 1 个条目",
            "gone": "移除 {count} 个条目",
            "gone-1": "移除 1 个条目",
            "renamed": "{count} 个条目改名",
            "renamed-1": "1 个条目改名",
            "altered": "{count} 个条目有改动",
            "altered-1": "1 个条目有改动",
            "bad": "隔离区有 {count} 个文件",
            "bad-1": "隔离区有 1 个文件",
            "waiting": "{count} 个文件还在写入，留到下一次",
            "waiting-1": "1 个文件还在写入，留到下一次",
            "other": "文件有变化",
            "between": "，",
            "failed": "运行以退出码 {code} 结束{why}；已发布的继续服务；{next}",
            "killed": "运行被信号 {code} 终止{why}；已发布的继续服务；{next}",
            "again": "{seconds:.0f} 秒后再试",
            "change": "有变化时再试",
            "ending": "正在结束：中断当前运行，已完成的保留",
            "ended": "已结束",
        },
    }
)

WHY: Final[Mapping[Language, Mapping[int, str]]] = MappingProxyType(
    {
        "en": {
            2: "a setting, a store or Prefect's server",
            3: "the gate: it is worse, or could not be judged",
            4: "too many bad files",
            5: "a source is missing or lost too much",
            6: "another run is writing the lake",
            7: "the lake is damaged",
            9: "no index reaches the goal",
            11: "a disk is full",
            130: "interrupted",
        },
        "zh": {
            2: "设置、存储或 Prefect 服务器有误",
            3: "闸门：变差，或无法评判",
            4: "无法使用的文件太多",
            5: "来源缺失，或丢失的内容太多",
            6: "另一个运行正在写入数据湖",
            7: "数据湖已损坏",
            9: "没有索引达到目标",
            11: "磁盘已满",
            130: "被中断",
        },
    }
)


def line(key: str, language: Language, **facts: Any) -> str:
    """One line."""
    words = SAID[language]
    why = facts.get("why")
    if key == "changes" and facts["changes"] > MOST:
        return words["changes-many"].format(count=MOST)
    if key == "changes":
        return counted(key, facts["changes"], language)
    return words[key].format(**facts | {"why": words["why"].format(why=why) if why else ""})


def counted(key: str, count: int, language: Language) -> str:
    """What there is so many of; of one it is another sentence."""
    words = SAID[language]
    return words[f"{key}-1" if count == 1 else key].format(count=count)


def ended_well(result: Mapping[str, Any], seconds: float, language: Language) -> str:
    """What a run came to, by its result."""
    words = SAID[language]
    waiting = result["waiting"]
    facts = {"snapshot": result["snapshot"], "seconds": seconds}
    if result["status"] != "published":
        told = words["unchanged"].format(**facts)
        more = counted("waiting", waiting, language) if waiting else ""
        return words["between"].join(filter(None, (told, more)))
    what = words["between"].join(_parts(result, language)) or words["other"]
    return words["published"].format(what=what, **facts)


def _parts(result: Mapping[str, Any], language: Language) -> Iterator[str]:
    counts = {
        "new": result["items_added"],
        "gone": result["items_gone"],
        "renamed": result["items_renamed"],
        "altered": result["items_changed"],
        "bad": sum(result["quarantined"].values()),
        "waiting": result["waiting"],
    }
    for key, count in counts.items():
        if count:
            yield counted(key, count, language)
