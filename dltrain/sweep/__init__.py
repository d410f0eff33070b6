"""Many fits over values of any key: space, strategies, engines, result."""
