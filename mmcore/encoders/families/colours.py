"""Numbers of the three colours in a configuration."""

from __future__ import annotations

from typing import Any

from mmcore.errors import ConfigError


def three(value: Any, where: str, *, positive: bool = False) -> tuple[float, float, float]:
    """Red, green and blue; ConfigError, which names ``where``, for what is no three numbers.

    ``positive``: whether all have to be above 0, as what is divided by.
    """
    try:
        red, green, blue = (float(number) for number in value)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{where} is {value!r}, not three numbers for RGB") from error
    if positive and min(red, green, blue) <= 0:
        raise ConfigError(f"{where} is {value!r}, not three numbers above 0")
    return red, green, blue
