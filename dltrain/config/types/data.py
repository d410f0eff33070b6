"""The `data:` block as values: where the data is, how it is read, split and prepared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dltrain.config.types.component import Component, Place, fault_at
from dltrain.config.types.key import keyed
from dltrain.config.types.series import SeriesConfig
from dltrain.errors import Fault

SCALES = "'standard'|'minmax'|'robust'|'smooth_clip'|'quantile'|'unit'|'none'"
PICTURE_SCALES = ("standard", "minmax", "unit", "none")
IMPUTES = "'mean'|'median'|'most_frequent'|'none'|number"
ENCODES = "'one_hot'|'embedding'"
STANDARDIZE = "'lower_and_strip_punctuation'|'lower'|'strip_punctuation'|'lower_all_and_strip_punctuation'|'lower_all'|'none'"
IMAGE = "image"  # the kind of a column that names picture files
FEATURE_KINDS = "'number'|'category'|'boolean'|'date'|'text'|'image'|none"
TEXT_TABLES = ("csv", "word_vectors")
WITH_TEXT = (*TEXT_TABLES, "parquet")  # whose columns of text may hold numbers
TABLES = ("table", "noise")  # what a source holds, or its name
WITH_TARGETS = (*TABLES, "npz", "image_folder")
NO_DATA = "none"  # the source of a config with `data: none`
LIKE_SCIKIT_LEARN = "scikit-learn"
LIKE_BOTH = "scikit-learn and keras"
MULTILABEL = "multilabel"  # the task of rows that each have several labels, or none
RECONSTRUCTION = "reconstruction"  # the task of input that is itself what should come out
SEGMENTATION = "segmentation"  # the task of pictures each pixel of which has a class


@dataclass(frozen=True, slots=True)
class SplitConfig:
    """How rows go to parts: test of all rows, validation of what remains; None: the part does not exist.

    With `folds` what the test part leaves is cut into so many; number `fold` (from 1) is the validation part of one fit.
    """

    test: float | None = keyed("number(0,1)", "Share of all rows that is kept for the test.", example=0.25)
    validation: float | None = keyed("number(0,1)", "Share of what remains that is kept for validation.", example=0.2)
    column: str | None = keyed("name", "Column that says train or test, and validation unless it is a share.", example="part")
    group: str | None = keyed("name", "Column whose equal values stay in one part.", example="owner")
    time: str | None = keyed("name", "Column by which the last rows become the test part.", example="date")
    folds: int | None = keyed(
        "int>=2",
        "Cross-validation over so many folds: `dltrain sweep` fits each. Of a series each is validated on the rows after those "
        "that it trains on.",
        example=5,
    )
    fold: int | None = keyed("int>=1", "The one fold that is held out as validation part; a sweep sets it.", example=1)
    stratify: bool | None = keyed(
        "bool", "Keep the shares of the classes in each part; by default for classification, but of groups.", example=False
    )
    seed: int | None = keyed("int>=0", "Seed of the split alone; by default the config's.", example=3)
    shuffle: bool | None = keyed(
        "bool",
        "`false`: the last rows are the test part, those before them validation, as Keras's validation_split takes them.",
        example=False,
    )
    like: str | None = keyed(
        "'scikit-learn'|'scikit-learn and keras'",
        "Draw the rows of train_test_split(random_state=seed), stratified where `stratify: true` says so; with `and keras`,"
        " validation is the end of the shuffled rest, as validation_split takes it.",
        example="scikit-learn",
    )

    @property
    def validates_on_the_last(self) -> bool:
        """Whether validation takes the last rows of what the test part leaves, as many as Keras's `validation_split` does."""
        return self.shuffle is False or self.like == LIKE_BOTH

    @property
    def key(self) -> str | None:
        """The column whose values say how the rows are split, if any."""
        return self.column or self.group or self.time


@dataclass(frozen=True, slots=True)
class LabelsConfig:
    """Several labels per row: how they are written, and which are learnt.

    Attributes:
        empty: None: no label in a column of text; no value in columns of 0 and 1.
    """

    separator: str | None = keyed("text", "What stands between the labels of a cell; by default found out.", example="|")
    empty: str | None = keyed(
        "'none'|'missing'",
        "Whether an empty cell has no label, or means no value; by default no label in text, no value in columns of 0 and 1.",
        example="missing",
    )
    min_count: int = keyed("int>=1", "Labels with fewer rows in the training part are not learnt.", 1, example=5)


@dataclass(frozen=True, slots=True)
class CorruptConfig:
    """`data.corrupt`."""

    noise: float = keyed("number>=0", "Standard deviation of normal noise, in the scaled input's units.", 0.0, example=0.2)
    mask: float = keyed("number[0,1)", "Share of the scaled input's numbers that are set to 0.", 0.0, example=0.3)


@dataclass(frozen=True, slots=True)
class TextConfig:
    """How free text becomes tokens, and the word vectors that the embedding begins with.

    Attributes:
        max_tokens: None: as many as there are.
        standardize: "strip_punctuation" is of ASCII alone, as Keras has it; the forms with "all" are of every alphabet.
        ngrams: how many neighbouring words make a token, in the order in which they are listed.
    """

    max_tokens: int | None = keyed("int>=3|none", "Most different tokens, padding and [UNK] included.", 20_000, example=10_000)
    standardize: str = keyed(
        STANDARDIZE, "What is done to the text before it is split.", "lower_and_strip_punctuation", example="lower"
    )
    split: str = keyed(
        "'whitespace'|'character'|'none'|'wordpiece'|'bpe'",
        "Where the text is split; wordpiece and bpe cut its words into pieces that the training part shows to be frequent.",
        "whitespace",
        example="character",
    )
    vocabulary: int | None = keyed(
        "int>=16",
        "Most different pieces of `split: wordpiece` or `bpe`, padding and [UNK] included; by default 8,000.",
        example=8000,
    )
    ngrams: tuple[int, ...] = keyed(
        "int[1,32]|list(int[1,32])",
        "Neighbouring words as tokens too: up to so many, or of these numbers.",
        (1,),
        example=2,
        told=None,
    )
    output_sequence_length: int | None = keyed(
        "int>=1", "Tokens a row: more are cut off; by default what 95 % of the training texts have.", example=50
    )
    vectors: str | None = keyed(
        "text",
        "File of word vectors (GloVe's text format) that the embedding begins with.",
        example="glove/glove.6B.50d.txt",
        is_path=True,
    )
    trainable: bool = keyed("bool", "Whether training changes the embedding.", True, example=False)


@dataclass(frozen=True, slots=True)
class ImagesConfig:
    """Where the pictures are that a table names; folders are absolute, and looked through for each name."""

    folder: tuple[str, ...] = keyed(
        "text|list(text)",
        "Folder, or folders, of the pictures that a table names; by default that of the table.",
        (),
        example="train",
        told=None,
        is_path=True,
    )
    suffix: str | None = keyed("text", "What the names of a table lack.", example=".jpg")


@dataclass(frozen=True, slots=True)
class DataConfig:
    """The `data:` block. Paths are absolute paths or patterns; what is empty or None is not given, and found out where need be.

    Attributes:
        source: `NO_DATA` where the config says `data: none`: a net whose numbers are looked at, see `dltrain trace`.
        arguments: the source's own arguments that the user gave (`min_faces_per_person`, `shape`, ...).
        features: column -> kind, or None where it is inferred; None as a whole: all columns that are not target, weight,
            dropped or used by the split.
        header: None: True unless `columns` is given.
        missing: None: the usual words.
        encode: None: one-hot up to 64 categories, embedding above.
        input_columns: input -> columns of a table, as `model.inputs` has them; empty: one input of all numbers.
        places: key path (such as `data.target`) -> Place, for errors found later.
    """

    source: str = keyed(
        "text", "csv, parquet, npz, image_folder, text_folder or the name of a data set.", required=True, example="digits"
    )
    arguments: Mapping[str, Any] = field(default_factory=dict)
    path: tuple[str, ...] = keyed(
        "text|list(text)",
        "File, files or pattern: what is split, or the training data.",
        (),
        example="data/houses.csv",
        told=None,
        is_path=True,
    )
    validation: tuple[str, ...] = keyed(
        "text|list(text)",
        "Files of a validation part of its own.",
        (),
        example="data/houses-validation.csv",
        told=None,
        is_path=True,
    )
    test: tuple[str, ...] = keyed(
        "text|list(text)", "Files of a test part of its own.", (), example="data/houses-test.csv", told=None, is_path=True
    )
    target: tuple[str, ...] = keyed(
        "name|list(name)", "Column, or columns, to predict.", (), example="price", told=None, names_columns=True
    )
    task: str | None = keyed(
        "'classification'|'multilabel'|'regression'|'reconstruction'|'segmentation'",
        "What is to be learnt; by default by the target's values. Segmentation: the class of every pixel, from masks.",
        example="regression",
    )
    labels: LabelsConfig | None = keyed(
        "block",
        "Several labels per row: in the cells of the target (`a|b`), or as several targets of 0 and 1 (`task: multilabel`).",
        example={"separator": "|"},
        block=LabelsConfig,
    )
    features: Mapping[str, str | None] | None = keyed(
        f"list(name)|map({FEATURE_KINDS})",
        "Columns to learn from; a mapping also says what they hold.",
        example={"area": "number", "zip": "category"},
        of=TABLES,
        names_columns=True,
    )
    drop: tuple[str, ...] = keyed(
        "name|list(name)", "Columns to leave out.", (), example=["notes"], of=TABLES, names_columns=True
    )
    weight: str | None = keyed(
        "name",
        "Column with a weight for each row, in the loss and in verdicts; metrics count each row once, as Keras's do.",
        example="weight",
        of=TABLES,
        names_columns=True,
    )
    identifiers: tuple[str, ...] = keyed(
        "name|list(name)", "Columns that name rows: no features, but repeated beside predictions.", (), example="id", of=TABLES
    )
    columns: tuple[str, ...] | None = keyed(
        "list(name)",
        "Names of the columns, where the file has no header; with `header: true` instead of those of its header.",
        example=["area", "zip", "price"],
        of=TEXT_TABLES,
    )
    header: bool | None = keyed("bool", "Whether the first line holds the column names.", example=False, of=TEXT_TABLES)
    units_row: bool | None = keyed(
        "bool",
        "Whether what stands below the header, such as units (kg, m/s), is no row; by default found out.",
        example=True,
        of=TEXT_TABLES,
    )
    separator: str | None = keyed("text", "What stands between fields; by default found out.", example=";", of=TEXT_TABLES)
    skip: int = keyed("int>=0", "Lines before the table that are none of it.", 0, example=3, of=TEXT_TABLES)
    comment: tuple[str, ...] | None = keyed("text|list(text)", "Lines that begin so are no rows.", example="#", of=TEXT_TABLES)
    quote: str | None = keyed(
        "text",
        'What surrounds fields that hold separators, by default "; none: quotes are letters like others.',
        example="'",
        of=TEXT_TABLES,
    )
    decimal: str | None = keyed("'.'|','", "The decimal sign of numbers.", example=",", of=WITH_TEXT)
    thousands: str | None = keyed("text", "The sign between thousands of numbers.", example=".", of=WITH_TEXT)
    encoding: str | None = keyed(
        "text",
        "The text encoding of the file, such as latin-1; by default UTF-8.",
        example="latin-1",
        of=(*TEXT_TABLES, "text_folder"),
    )
    missing: tuple[str, ...] | None = keyed(
        "list(name)|name", "Words that mean `no value`, beside the empty field.", example=["?", "NA"], of=WITH_TARGETS
    )
    dates: str | Mapping[str, str] | None = keyed(
        "text|map(text)",
        "How dates are written: `day_first`, `month_first`, a format of strptime (` @` and a zone: its clock counts), `epoch`, "
        "`epoch_ms`, `_us`, `_ns` of 1970, `excel` (days); `number`: no dates. For all columns or each; else found.",
        example={"sold": "%d.%m.%Y"},
        of=(*TABLES, "image_folder"),
    )
    replace: Mapping[str, Mapping[str, str]] = keyed(
        "map(map(name))", "Column -> old text -> new text.", {}, example={"zip": {"unknown": "other"}}, of=(*TABLES, "npz")
    )
    missing_target: str = keyed(
        "'fail'|'drop'",
        "Whether rows without a value for the target are a fault, or left out.",
        "fail",
        example="drop",
        of=WITH_TARGETS,
    )
    constant_columns: str = keyed(
        "'drop'|'keep'",
        "Whether columns that are the same in every training row are left out; kept where it matters at which place a column is.",
        "drop",
        example="keep",
        of=TABLES,
    )
    allow_one_class: bool = keyed(
        "bool",
        "Train where the target has one class, or one value, as a single row has; --allow-one-class says the same.",
        False,
        example=True,
    )
    scale: str | Mapping[str, str] | None = keyed(
        f"{SCALES}|map({SCALES})", "How numbers or pixels are scaled, by what the training part shows.", example="minmax"
    )
    impute: str | float | Mapping[str, str | float] | None = keyed(
        f"{IMPUTES}|map({IMPUTES})",
        "What stands in for a missing number; by default the median.",
        example={"area": "mean"},
        of=TABLES,
    )
    encode: str | Mapping[str, str] | None = keyed(
        f"{ENCODES}|map({ENCODES})", "How categories become numbers.", example={"zip": "embedding"}, of=TABLES
    )
    min_count: int | Mapping[str, int] | None = keyed(
        "int>=1|map(int>=1)",
        "Categories with fewer rows in the training part are one, others; what training has not seen belongs there as well.",
        example={"zip": 10},
        of=TABLES,
    )
    embedding_size: int | Mapping[str, int] | None = keyed(
        "int>=1|map(int>=1)",
        "How many numbers the embedding of a category has; by default 1.6 n^0.56 of n categories, at most 50.",
        example={"zip": 8},
        of=TABLES,
    )
    images: ImagesConfig = keyed(
        "block",
        "Where the pictures are that a table names.",
        ImagesConfig(),
        example={"folder": "train", "suffix": ".jpg"},
        block=ImagesConfig,
    )
    text: TextConfig = keyed(
        "block",
        "How free text becomes tokens: the arguments of Keras's TextVectorization, and pieces of words.",
        TextConfig(),
        example={"ngrams": 2},
        block=TextConfig,
    )
    series: SeriesConfig | None = keyed(
        "block",
        "The rows follow each other in time: windows of the past tell what comes next.",
        example={"time": "month", "history": 12},
        block=SeriesConfig,
    )
    scale_target: bool | str = keyed(
        "bool|'standard'|'log'|'quantile'",
        "How a regression target is scaled inside: to mean 0 and deviation 1 (true, standard), its logarithm (log), put into the"
        " shape of a normal distribution (quantile), or not.",
        True,
        example="log",
    )
    clip_target: bool | None = keyed(
        "bool",
        "Keep predictions of a number between the least and the largest of the training part. By default where its logarithm "
        "is learned, unless what comes later is predicted.",
        example=True,
    )
    split: SplitConfig = keyed(
        "block", "How rows go to the parts.", SplitConfig(), example={"test": 0.25, "validation": 0.2}, block=SplitConfig
    )
    preprocessing: str | None = keyed(
        "text",
        "The run whose preprocessing is kept: columns, scales, categories and vocabularies are those that it has learnt, so that "
        "its weights (model.weights) mean the same; the target is fitted anew unless it is the same.",
        example="runs/first/preprocessing.json",
        is_path=True,
    )
    augment: tuple[Component, ...] = keyed(
        "list(layer)", "Keras's random layers, on in training only.", (), example=[{"RandomFlip": {"mode": "horizontal"}}]
    )
    transform: tuple[Component, ...] = keyed(
        "list(transformer)",
        "scikit-learn transformers for the scaled numbers of a row, in order, fitted on the training part.",
        (),
        example=[{"PCA": {"n_components": 20}}],
    )
    corrupt: CorruptConfig | None = keyed(
        "block", "What is done to the input while a reconstruction is trained; the target stays clean.", block=CorruptConfig
    )
    limit: int | None = keyed("int>=1", "Use the first so many rows only.", example=1000)
    input_columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    places: Mapping[str, Place] = field(default_factory=dict, compare=False)

    @property
    def is_reconstruction(self) -> bool:
        """Whether the input itself is what should come out."""
        return self.task == RECONSTRUCTION

    @property
    def may_label_series(self) -> bool:
        """Whether a series as a whole may have a label: where the config does not say so, the data does."""
        series = self.series
        return self.task == "classification" and series is not None and bool(series.id) and series.label_of != "row"


def config_fault(config: DataConfig, key: str, message: str, hint: str | None = None) -> Fault:
    """A fault that the config's author can mend: placed at its key, or at the nearest key above it."""
    above = key
    while above not in config.places and "." in above:
        above = above.rpartition(".")[0]
    return fault_at(config.places.get(above), message, path=key, hint=hint)
