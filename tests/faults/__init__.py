"""Commands under which the system gives way: every file call that they make fails once."""
