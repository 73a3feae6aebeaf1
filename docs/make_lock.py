"""Write constraints.txt: the versions that development was last seen to work with.

    make lock

They are those of this environment, of what `.[embedded,dev]` needs and nothing else. PyTorch and
what comes with it are left out: which build fits is the machine's matter.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from installed import closure, declared
from packaging.utils import canonicalize_name

FILE: Final = Path(__file__).parents[1] / "constraints.txt"
OF_THE_MACHINE: Final = re.compile(r"torch|triton|nvidia-|cuda-")
HEAD: Final = "# made by `make lock`, Python 3.11 on Linux; PyTorch is left to the machine"


def main() -> None:
    """Write the file."""
    found = {
        canonicalize_name(one.name): one.version
        for extra, requirement in declared("embedded", "dev")
        for one in closure(requirement, asked=extra)
    }
    lines = [
        f"{name}=={version}"
        for name, version in sorted(found.items())
        if not OF_THE_MACHINE.match(name)
    ]
    FILE.write_text("\n".join([HEAD, *lines, ""]))


if __name__ == "__main__":
    main()
