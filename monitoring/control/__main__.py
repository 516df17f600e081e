"""`python -m monitoring.control COMMAND`: the commands of the monitoring stack, as `make COMMAND` runs them."""

from __future__ import annotations

import sys

from monitoring.control.commands import main

sys.exit(main())
