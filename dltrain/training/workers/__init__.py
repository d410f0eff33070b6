"""One fit by several processes, on this machine or on many: each takes its share of the rows of every step.

Begin with `group.py`, what the processes tell each other; `share.py` is what a share changes in a training step, `local.py`
starts processes on this machine, `member.py` is what they run. A sweep's many fits stand in `sweep.engines`.
"""
