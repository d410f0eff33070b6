"""One file a command: it parses its words, calls the library and prints what came back.

What several commands print stands a room above; begin with `fit.py`.
"""

from __future__ import annotations

# Name -> what it does. `dltrain --help` is written from this alone, so that it loads no command.
COMMANDS = {
    "fit": "Train from a config; write a run directory.",
    "evaluate": "Metrics of a run on its test part or on other data.",
    "predict": "Predictions of a run from raw input.",
    "export": "A run as one file with its preprocessing inside.",
    "sweep": "Many fits over values of any key.",
    "compare": "Runs side by side: configs, metrics, curves.",
    "report": "One page of a run, a sweep or several runs, as HTML or Markdown.",
    "log": "Hand a finished run to a tracker of experiments.",
    "check": "Find the faults of configs without training.",
    "trace": "One step by hand: every sum, activation, gradient, update.",
    "find-rate": "Suggest a learning rate from one short run in which it rises.",
    "init": "Look at data and write a first config for it.",
    "explain": "What a key, a layer, an optimizer, a dataset means.",
    "schema": "JSON Schema of the config, for editors.",
    "datasets": "The named datasets; fetch one for offline use.",
    "completion": "What a shell needs to complete all these words.",
    "warm": "A process from which the next commands begin at once.",
    "runs": "The runs, newest or best first; remove some.",
}
# What these give is on the disk, or is their exit code: where what they print cannot be written they go on without it.
GOING_ON = frozenset({"fit", "evaluate", "export", "sweep", "log", "find-rate", "warm"})
SHELLS = ("bash", "zsh", "fish")
WARM = ("start", "stop", "status")
