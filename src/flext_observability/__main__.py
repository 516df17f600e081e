"""Entry point of ``python -m flext_observability``."""

import sys

from flext_observability.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
