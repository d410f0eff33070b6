"""Dates, times and durations in columns of text or numbers.

`reading.py`, where to begin, says what the writing of a column is and reads its values by it; `finding.py` tells the writing from
the values; `formats.py` lists what single texts may be written in; `durations.py` reads lengths of time.
"""
