"""How the catalog of Keras's components is made (`python -m tests.catalog.generate`)."""
