"""The demonstration: a fleet of real processes rejects a bad model and accepts a good one."""
