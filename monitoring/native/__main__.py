"""`python -m monitoring.native COMMAND [PART ...]`: the process's arguments in, its exit code out."""

from __future__ import annotations

import sys

from monitoring.native.commands import main

sys.exit(main())
