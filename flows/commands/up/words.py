"""What `mmindex up` says, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from mmcore.media.reasons import Language

SAID: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {
            "begun": "mmindex up: loading Prefect",
            "using": "using the Prefect server at {url}",
            "starting": "starting a Prefect server, up to a minute; what it says is in {log}",
            "answers": "the server answers at {url}",
            "deploying": "making the work pool, the automations and {count} deployments",
            "dead": "runs that were under way when the worker ended, now Crashed: {runs};"
            " what they finished is kept, the next run goes on",
            "lost": "runs that no process was at any more, now Crashed: {runs};"
            " what they finished is kept, the next run goes on",
            "late": "scheduled runs that are too late, left to the next: {runs}",
            "absent": "{place} is not there: runs fail until it is",
            "up": "up at {url} · Ctrl-C ends it",
            "deployed": "  {name}  {when}",
            "now": "a run now, in another terminal: "
            "PREFECT_API_URL={url} {prefect} deployment run {name} --watch",
            "broke": "the {name} ended (code {code}) and is started again; see {log}",
            "again": "the {name} is started again",
            "ending": "ending: no run is under way",
            "interrupting": "ending: a run under way is interrupted, what is finished is kept",
            "unmarked": "the server did not answer any more: runs under way are marked at the"
            " next start",
            "ended": "ended",
        },
        "zh": {
            "begun": "mmindex up：正在加载 Prefect",
            "using": "使用 Prefect 服务器 {url}",
            "starting": "正在启动 Prefect 服务器，最多一分钟；它的输出在 {log}",
            "answers": "服务器已响应：{url}",
            "deploying": "正在创建工作池、自动化和 {count} 个部署",
            "dead": "worker 结束时仍在进行的运行，现标为 Crashed：{runs}；已完成的保留，"
            "下次运行接着做",
            "lost": "已没有进程的运行，现标为 Crashed：{runs}；已完成的保留，下次运行接着做",
            "late": "已错过时间的定时运行，留给下一次：{runs}",
            "absent": "{place} 不存在：在它出现之前运行会失败",
            "up": "已启动：{url} · 按 Ctrl-C 结束",
            "deployed": "  {name}  {when}",
            "now": "现在就运行，在另一个终端："
            "PREFECT_API_URL={url} {prefect} deployment run {name} --watch",
            "broke": "{name} 已结束（代码 {code}），将重新启动；见 {log}",
            "again": "{name} 已重新启动",
            "ending": "正在结束：没有正在进行的运行",
            "interrupting": "正在结束：中断当前运行，已完成的保留",
            "unmarked": "服务器已不再响应：进行中的运行在下次启动时标记",
            "ended": "已结束",
        },
    }
)
