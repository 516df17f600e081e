"""`python -m monitoring.validation [--only WORD]`: check all configuration files of the stack."""

from __future__ import annotations

import sys

from monitoring.validation.commands import main

sys.exit(main())
