"""Where the tasks of a run find workers of other machines, and each other's arrays."""

from __future__ import annotations

from pydantic import Field, PositiveInt

from mmcore.specs import Spec


class ClusterSpec(Spec):
    """Workers of a running Dask scheduler, and the folder that decoded shards pass through."""

    scheduler: str | None = Field(
        default=None,
        description="address of a running Dask scheduler, as tcp://host:8786, for --engine dask;"
        " none: workers of this machine, for this run",
    )
    staging: str | None = Field(
        default=None,
        description="folder or URL (s3://…) in which decoded shards wait for their model, the same"
        " for all workers; none: below the lake, of one in a store the cache's folder or, with a"
        " scheduler, the store",
    )
    staging_bytes: PositiveInt = Field(
        default=20_000_000_000,
        description="bytes that may wait there: decoding stops meanwhile; what is being decoded"
        " counts as much as the largest shard so far",
    )
