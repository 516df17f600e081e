"""Entry point of ``python -m flext_observability.viewer``."""

import sys

from flext_observability.viewer.main import main

if __name__ == "__main__":
    sys.exit(main())
