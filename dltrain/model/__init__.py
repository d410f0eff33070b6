"""Config + data schema → Keras model: heads, building, compiling, the pass forward."""
