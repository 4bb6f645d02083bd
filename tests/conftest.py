"""What every test shares: one Hypothesis profile that is never timed against the wall clock."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("porchlight", deadline=None, max_examples=100, print_blob=True,
                          suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
settings.register_profile("long", settings.get_profile("porchlight"), max_examples=2000)
settings.load_profile(os.environ.get("PORCHLIGHT_LAWS", "porchlight"))
