"""`python -m monitoring.tester`: run a load, then every query, rule and link of the stack."""

from __future__ import annotations

import sys

from monitoring.tester.commands import main

if __name__ == "__main__":
    sys.exit(main())
