"""Numbers of optimisers within bounds: what lies beyond them is a slip, and ruins weights."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Rate = Annotated[float, Field(gt=0, le=1)]
"""A learning rate."""

Decay = Annotated[float, Field(ge=0, le=1)]
"""A weight decay."""
