"""How a server serves, as frozen data."""

from __future__ import annotations

from typing import Final

from pydantic import (
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    field_validator,
)

from mmcore.search.notes import Note
from mmcore.specs import LimitsSpec, RuntimeSpec, Spec

SHORTEST_TOKEN: Final = 16

QUERY_LIMITS: Final = LimitsSpec(
    max_text_bytes=2_000_000,
    max_seconds=600.0,
    max_segments=500,
    max_pages=50,
    stall_seconds=10.0,
    file_seconds=30.0,
    worker_bytes=1_500_000_000,
)
"""What a file that is asked with may cost: less than one that is indexed."""


class Settings(Spec):
    """One server of one lake."""

    model_config = ConfigDict(hide_input_in_errors=True)  # a token is not told

    lake: str = Field(description="the lake's folder, or its URL")
    token: SecretStr | None = Field(default=None, description="who has it may ask; none: anybody")
    cors: tuple[str, ...] = Field(
        default=(), description="origins of pages elsewhere that may ask, as https://example.org"
    )
    hosts: tuple[str, ...] = Field(
        default=(), description="names under which the server may be asked; none: any"
    )
    rate: PositiveFloat | None = Field(
        default=None,
        le=1_000_000,
        allow_inf_nan=False,
        description="requests a second that one client may send; none: any",
    )
    burst: PositiveInt = Field(default=40, description="requests that it may send at once")
    max_upload_mb: PositiveFloat = Field(
        default=50.0,
        le=100_000,
        allow_inf_nan=False,
        description="millions of bytes of a file that is asked with",
    )
    roots: dict[str, str] = Field(
        default_factory=dict, description="by alias: the folder in which a root lies now"
    )
    limits: LimitsSpec = QUERY_LIMITS
    runtime: RuntimeSpec = RuntimeSpec()
    batch: PositiveInt = Field(default=32, description="searches that are answered together")
    waiting: PositiveInt = Field(default=256, description="searches that may wait; more get 503")
    conditions: PositiveInt = Field(default=16, description="conditions that may wait, likewise")
    waveforms: PositiveInt = Field(default=64, description="waveforms that may wait, likewise")
    uploads: PositiveInt = Field(default=8, description="files that are decoded or wait for it")
    bodies: PositiveInt = Field(default=64, description="files that may be on their way at once")
    stall: PositiveFloat = Field(
        default=10.0, description="seconds without a byte after which a body is given up"
    )
    warm: bool = Field(default=True, description="whether weights are loaded before anybody asks")
    patience: PositiveFloat = Field(default=60.0, description="seconds after which a search ends")
    look: NonNegativeFloat = Field(
        default=1.0, description="seconds between two looks for a new snapshot"
    )
    idle_look: PositiveFloat = Field(default=5.0, description="the same while nobody asks")

    @field_validator("token")
    @classmethod
    def _long_enough(cls, token: SecretStr | None) -> SecretStr | None:
        if token is None:
            return None
        text = token.get_secret_value()
        if len(text) < SHORTEST_TOKEN:
            raise ValueError(Note("token-short", count=SHORTEST_TOKEN))
        if not (text.isascii() and text.isprintable()):  # a header has no others
            raise ValueError(Note("token-signs"))
        return token

    @field_validator("cors")
    @classmethod
    def _named_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not origin.startswith(("http://", "https://")) or origin.rstrip("/") != origin:
                raise ValueError(Note("no-origin", origin=origin))
        return origins

    @property
    def upload_bytes(self) -> int:
        """Bytes that a file may have that is asked with."""
        return int(self.max_upload_mb * 1_000_000)
