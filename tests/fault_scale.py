"""How large the fault tests are: FAULT_SCALE times the size that `make test` runs."""

import os

FAULT_SCALE = int(os.environ.get("FAULT_SCALE", "1"))
