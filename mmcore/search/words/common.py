"""Words that say nothing of what a thing is: nobody is told of them, and some do not count."""

from __future__ import annotations

import re
from typing import Final

from mmcore.search.words.tokens import is_han

_ENGLISH: Final = """
a an the this that these those some any each every no not
and or but if than as so nor
of in on at by to for from with without into onto over under up down out off about
between through
is are was were be been being am do does did has have had can could will would may
might must should
i me my you your he him his she her it its we us our they them their who whom whose which what
there here when where how s t
"""
_CHINESE: Final = """
的 地 得 之 了 着 过 是 在 有 和 与 及 或 而 但 也 都 就 还 又 很 不 没 没有 把 被 给 让 向 往
从 到 由 对 于 为 以 用 里 上 下 中 内 外 后 前 时 这 那 这个 那个 这些 那些 这是 那是 它 他 她
它们 他们 她们 我 我们 你 你们 其 其中 吗 呢 吧 啊 等 个 一
"""
_WORDS: Final = frozenset(f"{_ENGLISH} {_CHINESE}".split())
_COUNTED: Final = re.compile(
    "[一二两三四五六七八九十几这那每]"
    "[个只条张位头匹辆座朵块把件本支枝棵片种群间家幅架台艘顶双对副根颗粒串束杯碗盘瓶袋盒堆排艘场部]"
)
"""A number with the word that counts: 一只, 两条."""


def is_common(word: str) -> bool:
    """Whether a word only joins others, points or counts: on, 的, 一只."""
    return word in _WORDS or _COUNTED.fullmatch(word) is not None


def only_joins(word: str) -> bool:
    """Whether a word is common and not Chinese: it is no part of what an item should have.

    Captions found more without them; Chinese ones, which people leave out anyway, did not.
    """
    return word in _WORDS and not is_han(word)
