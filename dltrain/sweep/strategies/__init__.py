"""How the values of the trials are chosen, one strategy a file."""
