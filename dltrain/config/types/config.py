"""A whole config as values, and its small blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dltrain.config.types.component import LayerConfig, Place
from dltrain.config.types.data import DataConfig
from dltrain.config.types.key import keyed
from dltrain.config.types.own_code import OwnCode
from dltrain.config.types.training import TrainingConfig
from dltrain.wording import Secrets


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """The `model:` block; `inputs` are names -> the columns that they take, or options (`shape`, without the batch).

    Attributes:
        precision: what its layers compute in, `training.precision`.
    """

    inputs: Mapping[str, Any] = keyed(
        "map(any)",
        "Named inputs for layers to take by `from:`: columns of a table, as `{numbers: [age, hours]}`; a shape without data.",
        {},
        example={"features": {"shape": [2]}},
    )
    preset: str | None = keyed(  # what it stands for is put in before the block is read
        "'realmlp'|'realmlp_ple'|'tabm'",
        "Layers and training by name, each key of which the config may give itself; realmlp, realmlp_ple, tabm: for tables.",
        example="realmlp",
    )
    layers: tuple[LayerConfig, ...] = keyed(
        "list(layer)",
        "Layers in order; each takes the one before unless `from` says otherwise.",
        (),
        example=["Flatten", {"Dense": {"units": 64, "activation": "relu"}}],
    )
    weights: str | None = keyed(
        "text",
        "Begin with what another model has learnt: a run, or a .h5 or .keras file; layers of the same name and shapes take it.",
        example="model.h5",
        is_path=True,
    )
    output: str | LayerConfig = keyed(
        "'auto'|'none'|layer",
        "The output layer; auto: what the task needs.",
        "auto",
        example={"Dense": {"units": 10, "activation": "softmax"}},
    )
    logits: bool = keyed("bool", "Leave the output's activation out and tell the loss so.", False, example=True)
    precision: str = "float32"

    @property
    def all_layers(self) -> tuple[LayerConfig, ...]:
        """The layers, with that of `output` last where the config gives one."""
        return (*self.layers, self.output) if isinstance(self.output, LayerConfig) else self.layers


# Models that learn from the same rows, to hold the network against.
LEARNED_BASELINES = ("linear", "boosting")


@dataclass(frozen=True, slots=True)
class CostConfig:
    """`evaluation.threshold.cost`: what the two mistakes cost, in any unit."""

    false_positive: float = keyed("number>=0", "Of calling a row the second class that is not.", 1.0, example=1)
    false_negative: float = keyed("number>=0", "Of calling a row the first class that is of the second.", 1.0, example=20)


@dataclass(frozen=True, slots=True)
class ThresholdConfig:
    """`evaluation.threshold`: from which probability of the second class, or of a label, on that is the answer.

    Attributes:
        number: the probability itself; None: it is chosen on the validation part.
        f1: by the best F1.
    """

    recall: float | None = keyed("number(0,1]", "The best precision with at least this recall.", example=0.9)
    precision: float | None = keyed("number(0,1]", "The best recall with at least this precision.", example=0.9)
    cost: CostConfig | None = keyed(
        "block", "The least cost of all mistakes.", example={"false_positive": 1, "false_negative": 20}, block=CostConfig
    )
    number: float | None = None
    f1: bool = False

    @property
    def is_chosen(self) -> bool:
        """Whether rows decide it, rather than a number that is given."""
        return self.number is None

    def plain(self) -> Any:
        """As the config says it."""
        if self.number is not None:
            return self.number
        if self.cost is not None:
            return {"cost": {"false_positive": self.cost.false_positive, "false_negative": self.cost.false_negative}}
        return "f1" if self.f1 else {"recall": self.recall} if self.recall is not None else {"precision": self.precision}


@dataclass(frozen=True, slots=True)
class EvaluationConfig:
    """The `evaluation:` block: what `fit` and `evaluate` hold the run to, and how its outputs become answers.

    Attributes:
        require: the gates, those of the command line behind the config's own.
        slices: column -> gates on each of its slices.
        num_added: how many of the last ones are the command line's.
    """

    require: tuple[str, ...] = keyed(
        "text|list(text)",
        "Gates, such as accuracy>=0.9; `@95%` behind one asks it of the end of the interval.",
        (),
        example="accuracy >= 0.9",
    )
    slices: Mapping[str, tuple[str, ...]] = keyed(
        "map(text|list(text)|none)",
        "Columns by which `dltrain evaluate` cuts the rows, each with the gates that every slice has to meet.",
        {},
        example={"region": "recall>=0.8"},
        names_columns=True,
    )
    baselines: tuple[str, ...] = keyed(
        "list('linear'|'boosting')",
        "scikit-learn's models, fitted on the same rows of a table and shown beside the network: a linear one, boosted trees.",
        (),
        example=["linear", "boosting"],
    )
    threshold: ThresholdConfig | None = keyed(
        "number(0,1)|'f1'|block",
        "From which probability on the second of two classes, or each of several labels, is the answer: a number, or how the"
        " validation part chooses it, for each label by itself.",
        example={"recall": 0.9},
        block=ThresholdConfig,
    )
    calibrate: str | None = keyed(
        "'temperature'|'isotonic'",
        "Mend the probabilities of classes, or of each label, by the validation part: by one number, or by a rising curve (1,000"
        " rows and more).",
        example="temperature",
    )
    num_added: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class SweepConfig:
    """The `sweep:` block; `parameters` as plain values."""

    parameters: Mapping[str, Any] = keyed(
        "mapping",
        "Key or parameter -> list of values, or a range.",
        {},
        example={"training.optimizer.learning_rate": [0.0001, 0.001, 0.01, 0.1]},
    )
    choices: Mapping[str, Any] = keyed(
        "mapping",
        "Names to choose from, each with the keys that it sets, and under `parameters` what is varied with it alone:"
        " `--over size=small,large`; without `parameters` beside it all of them are tried.",
        {},
        example={"size": {"small": {"model.layers.0.units": 8}, "large": {"model.layers.0.units": 64}}},
    )
    strategy: str | None = keyed(
        "'grid'|'random'|'tpe'|'capacity'",
        "How trials are chosen; by default grid, or random where there is a range without a step.",
        example="random",
    )
    trials: int | None = keyed("int>=1", "How many trials at the most; of random and tpe by default 20.", example=20)
    seeds: int | list[int] | None = keyed("int>=1|list(int>=0)", "Repeat each trial with these seeds, or so many.", example=3)
    metric: str | None = keyed("text", "What is compared; by default what makes a model the best.", example="val_accuracy")
    mode: str = keyed("'auto'|'min'|'max'", "Whether less or more of it is better.", "auto", example="max")
    on_failure: str = keyed("'continue'|'stop'", "What a crashed trial does to the others.", "continue", example="stop")
    jobs: int | None = keyed("int>=1", "Fits at a time; by default one per core.", example=2)
    engine: str = keyed("'auto'|'stacked'|'processes'|'ray'", "What runs the fits.", "auto", example="processes")
    pruning: bool | str | None = keyed(
        "bool|'median'|'successive_halving'",
        "Stop trials early that fall behind: behind the median of the others, or by successive halving.",
        example="median",
    )
    timeout: float | None = keyed("number>0", "Seconds after which no further trial begins.", example=3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One experiment, validated; two are equal where they are the same experiment, whatever file and parameters said so.

    Attributes:
        parameters: the named values after overrides (not part of equality, like all that follows `evaluation`).
        training: None where the config says `training: none`.
        parameter_keys: parameter -> the keys it stands at.
        file: the config's file as the user named it.
        overrides: the words that were put in.
        warnings: faults of severity "warning" found on the way.
        resolved: the whole config as plain values, canonical spellings, parameters put in, paths absolute;
            what `config.yaml` of a run holds.
        secrets: what the environment said of secrets, hidden wherever the config goes.
    """

    name: str = keyed("text", "First word of the run directory; by default the config's file name.", told=None, example="lfw")
    seed: int = keyed("int>=0", "Every random draw is a function of it.", 0, example=3)
    parameters: Mapping[str, Any] = keyed(
        "map(any)", "Named values; `$name` stands for one anywhere in the file.", {}, example={"size_inner": 16}, compare=False
    )
    data: DataConfig = keyed(
        "block",
        "Where the data is and how it is read, split and prepared; `none`: a net by itself.",
        required=True,
        block=DataConfig,
    )
    model: ModelConfig = keyed("block", "The network.", ModelConfig(), block=ModelConfig)
    training: TrainingConfig | None = keyed(
        "block", "How the network is trained; `none`: not at all.", TrainingConfig(), block=TrainingConfig
    )
    evaluation: EvaluationConfig = keyed(
        "block", "What the run is held to, and how its outputs become answers.", EvaluationConfig(), block=EvaluationConfig
    )
    extends: tuple[str, ...] = keyed(
        "text|list(text)",
        "Configs that this one begins with: mappings are merged, lists and components replaced; later ones win, this one over"
        " all.",
        (),
        told=None,
        example="base.yaml",
        compare=False,
    )
    code: OwnCode | None = keyed(
        "text|list(text)|map(text)",
        "Files of Python beside the config: what they register with Keras are components; imported only with --trust-code.",
        told=None,
        example=["my_layers.py"],
    )
    sweep: SweepConfig | None = keyed("block", "What `dltrain sweep` varies.", block=SweepConfig, compare=False)
    parameter_keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False)
    file: Path | None = field(default=None, compare=False)
    overrides: tuple[str, ...] = field(default=(), compare=False)
    warnings: tuple[Any, ...] = field(default=(), compare=False)
    resolved: Mapping[str, Any] = field(default_factory=dict, compare=False)
    places: Mapping[str, Place] = field(default_factory=dict, compare=False)
    secrets: Secrets = field(default_factory=Secrets, compare=False)

    @property
    def draw_seed(self) -> int:
        """The seed of weights, orders and random layers: the config's own, or for a member after the first one of its own."""
        member = self.training.members.member if self.training is not None else None
        if member is None or member == 1:
            return self.seed
        import hashlib

        digest = hashlib.blake2b(f"{self.seed}/member/{member}".encode(), digest_size=4).digest()
        return int.from_bytes(digest, "big") >> 1

    @property
    def needed_training(self) -> TrainingConfig:
        """The `training:` block of a config that has one, as all that is fitted does."""
        assert self.training is not None
        return self.training

    def requiring(self, require: Sequence[str]) -> Config:
        """The same with further gates, which are the command line's and no part of the experiment as it is written down."""
        own = self.evaluation
        return replace(self, evaluation=replace(own, require=(*own.require, *require), num_added=own.num_added + len(require)))
