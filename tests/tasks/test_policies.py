import errno

import pytest

from mmcore.errors import ConfigError
from storage.errors import NoLakeError
from tasks.policies import is_transient_error


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "i/o"), ConnectionResetError(), TimeoutError()]
)
def test_what_may_pass_is_tried_again(error):
    """A read error or a lost connection may be gone a moment later."""
    assert is_transient_error(error)


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(),
        PermissionError(),
        OSError(errno.ENOSPC, "full"),
        OSError(errno.EROFS, "read-only"),
        NoLakeError("lake"),
        ConfigError("no"),
        ValueError(),
        None,
    ],
)
def test_what_stays_is_not_tried_again(error):
    """A full disk, a missing file, a wrong setting or a fault of ours fails at once."""
    assert not is_transient_error(error)
