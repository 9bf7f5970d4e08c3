"""Shows, for a list of rewrites that are broken on purpose, which check of the tests catches each: `python tests/broken_rewrites.py`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "support"))

if __name__ == "__main__":
    from break_rewrites import main

    sys.exit(main())
