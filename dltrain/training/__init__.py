"""The compiled loop, epoch-end callbacks, checkpoints, exact resume."""
