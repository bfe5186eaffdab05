"""`python -m twinnet` is the `twinnet` command."""

import sys

from twinnet.cli.main import main

sys.exit(main())
