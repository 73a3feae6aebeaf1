from mmcore.specs import StorageSpec
from tasks.project import project_part


def test_a_part_that_is_projected_is_not_read_again(tmp_path):
    """Not even its cells need to be there: a rerun only projects what is new."""
    target = tmp_path / "part-1.parquet"
    target.touch()

    assert project_part(tmp_path / "gone", target, None, None, StorageSpec()) == target
