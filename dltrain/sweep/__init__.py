"""Many fits over values of any key: search space, strategies, engines."""
