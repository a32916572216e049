"""``python -m sklearn_ae`` is ``sklearn-ae``."""

import sys

from sklearn_ae.cli import main

if __name__ == "__main__":
    sys.exit(main())
