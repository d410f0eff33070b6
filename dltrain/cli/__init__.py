"""The command line: the app, its console, and what several commands print.

The commands stand in `commands`, one a file, `report`'s pages in `reports`, `trace`'s text in `tracing`, trackers of experiments
in `trackers`. The library imports nothing of it but the pages of `api.report`; begin with `app.py`.
"""
