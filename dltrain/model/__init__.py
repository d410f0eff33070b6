"""From config and data schema to a Keras model: building, compiling, the pass forward.

The end of it stands in `heads`, its shapes without Keras in `symbolic`, files of others in `export`; begin with `build.py`.
"""
