"""The command line: the app, its console, and what several commands print.

The commands stand in `commands`, one a file, `report`'s pages in `reports`, `trace`'s text in `tracing`, trackers of experiments
in `trackers`. Nothing here is imported by the library; begin with `app.py`.
"""
