"""`python -m fedn` is `fedn`."""

import sys

from fedn.cli.main import main

sys.exit(main())
