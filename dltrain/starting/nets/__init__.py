"""Which network a first config names, and how it is trained: by the kinds of the columns, the rows and the time there is.

Begin with `design.py`, which has the networks of all kinds of data. `choose.py` chooses that of a table: `preset.py` says where
it gets RealMLP, and `line.py` where no hidden layer is needed; `forecast.py` has that of a series of not many rows.
"""
