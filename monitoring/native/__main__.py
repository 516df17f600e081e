"""`python -m monitoring.native COMMAND [PART ...]`: build and run the monitoring stack."""

from __future__ import annotations

import sys

from monitoring.native.commands import main

sys.exit(main())
