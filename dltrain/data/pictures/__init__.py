"""Pictures: found in folders or tables, decoded, brought to one form.

Pictures in a column beside numbers stand in `data.columns.image`, the sources in `data.sources`. Begin with `folders.py`, which
lists them, then `reader.py`, which decodes them; `masks.py` knows masks, `tiles.py` parts of large pictures.
"""
