"""Which examples a training sees: their size, their labels, their splits."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from mmcore.specs import Seconds, Spec


class DatasetSpec(Spec):
    """How media of a folder or a lake become examples."""

    side: PositiveInt = Field(
        default=96, description="pixels of the square a picture is fitted in"
    )
    seconds: Seconds = Field(default=4.0, description="seconds of sound that an example has")
    held_out: float = Field(
        default=0.2,
        ge=0,
        le=0.9,
        description="share of captions whose items are the test split, by hash, as in a lake;"
        " an item is in it if any of its captions is",
    )
    validation: float = Field(
        default=0.1,
        ge=0,
        le=0.9,
        description="share of the other captions whose items are the validation split, by hash",
    )
    fold: NonNegativeInt = Field(
        default=0,
        description="which split by hash: 0 is the one that lakes are evaluated by, any other"
        " number gives another one",
    )
    labels: Literal["auto", "folder", "manifest", "none"] = Field(
        default="auto",
        description="where labels come from: a manifest, the first folder (below the split's), or"
        " auto: the manifest if it has any, else folders",
    )
    seed: NonNegativeInt = Field(
        default=0, description="decides which caption and which part of a sound an epoch sees"
    )
    grouping: str = Field(
        default="auto",
        description="of a folder: auto (by numbers, else stems), stem, number or folder",
    )
    manifest: str | None = Field(
        default=None,
        description="of a folder: a CSV, JSONL or Parquet manifest outside the usual place",
    )
    keep_bytes: NonNegativeInt = Field(
        default=400_000_000,
        description="memory for decoded pictures and sounds that later epochs take again",
    )
