"""The data sources with their own arguments and what is known of them without reading them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class SourceArgument:
    """One argument of a source, written directly under `data`.

    Attributes:
        type: in the notation of `kinds.py`.
        default: what holds where it is absent.
        description: one line.
        is_path: a path, which becomes absolute.
        required: it has no default.
    """

    type: str
    default: Any
    description: str
    is_path: bool = False
    required: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """One data source.

    Attributes:
        name: as in `data.source`.
        holds: "table", "pictures" or "any".
        description: one line.
        arguments: its own arguments.
        needs_path: whether `data.path` must be given.
        needs_target: whether `data.target` must be given for anything but a reconstruction.
        task: "classification", "regression", or None (the data's or the config's).
        rows: how many, or None.
        shape: of one row without channels of size 1, or ().
        classes: how many labels, or None.
        parts: parts that it brings along.
        origin: where it comes from.
    """

    name: str
    holds: str
    description: str
    arguments: Mapping[str, SourceArgument] = field(default_factory=dict)
    needs_path: bool = False
    needs_target: bool = False
    task: str | None = None
    rows: int | None = None
    shape: tuple[int, ...] = ()
    classes: int | None = None
    parts: tuple[str, ...] = ()
    origin: str = ""


def _dataset(
    name: str, holds: str, description: str, task: str, rows: int, shape: tuple[int, ...], origin: str, **more: Any
) -> Source:
    return Source(name, holds, description, task=task, rows=rows, shape=shape, origin=origin, **more)


FACES = {
    "min_faces_per_person": SourceArgument("int>=0", 0, "Keep people with at least so many pictures."),
    "resize": SourceArgument("number(0,10]|none", 0.5, "Factor by which each side of the cropped picture shrinks."),
    "color": SourceArgument("bool", False, "Three colour channels instead of grey."),
    "slice": SourceArgument(
        "list(list(int>=0))|none", [[70, 195], [78, 172]], "Rows and columns of the 250x250 picture to keep."
    ),
}

PICTURE_FORM = {
    "image_size": SourceArgument("list(int>=1)", [256, 256], "Height and width that each picture gets."),
    "fit": SourceArgument("'stretch'|'crop'|'pad'", "stretch", "How a picture of another shape gets that size."),
    "color": SourceArgument("'rgb'|'grayscale'|bool", "rgb", "Three colour channels, or one of grey."),
    "interpolation": SourceArgument(
        "'nearest'|'bilinear'|'bicubic'|'hamming'|'box'|'area'|'lanczos'|'lanczos3'|none",
        None,
        "How a picture is resized, pixel for pixel as keras.utils.load_img does it by that name (all but nearest look at every "
        "pixel that a new one covers: antialiased); by default bilinear so, with large JPEGs decoded at a smaller size first. "
        "A camera's orientation (EXIF) is followed, which load_img does not.",
    ),
    "on_error": SourceArgument("'fail'|'skip'", "fail", "What a picture that cannot be read does: its row is left out by skip."),
    "depth": SourceArgument(
        "int[1,32]|none",
        None,
        "Bits that pictures of more than 8 bits a pixel use: 12 takes 4095 for white; by default by the training part.",
    ),
}

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        Source(
            "csv",
            "table",
            "Text tables: CSV, TSV, compressed or not; one file, several, or a pattern.",
            PICTURE_FORM,
            needs_path=True,
            needs_target=True,
        ),
        Source(
            "parquet",
            "table",
            "Parquet tables; one file, several, or a pattern.",
            PICTURE_FORM,
            needs_path=True,
            needs_target=True,
        ),
        Source(
            "npz",
            "any",
            "NumPy archives of arrays, without pickles.",
            {
                "inputs": SourceArgument("text", "x", "Name of the array of inputs, [rows, ...]."),
                "targets": SourceArgument("text|none", "y", "Name of the array of targets, [rows]."),
            },
            needs_path=True,
        ),
        Source(
            "image_folder",
            "pictures",
            "Pictures in a folder for each class, or named in a table with their labels.",
            {
                **PICTURE_FORM,
                "files": SourceArgument("name|none", None, "Column of a table that names the pictures; by default found."),
            },
            needs_path=True,
        ),
        Source(
            "word_vectors",
            "table",
            "A text table of words with labels; each word is learnt from by its vector.",
            {
                "vectors": SourceArgument(
                    "text", None, "File of word vectors in GloVe's text format.", is_path=True, required=True
                ),
                "word": SourceArgument("name|none", None, "Column of the words; by default the first but the target."),
            },
            needs_path=True,
            needs_target=True,
        ),
        Source(
            "lfw_people",
            "pictures",
            "Faces of people in the news, by name.",
            FACES,
            task="classification",
            rows=13233,
            shape=(62, 47),
            classes=5749,
            origin="Labeled Faces in the Wild, University of Massachusetts, through scikit-learn",
        ),
        _dataset(
            "olivetti_faces",
            "pictures",
            "Ten grey portraits each of 40 people.",
            "classification",
            400,
            (64, 64),
            "AT&T Laboratories Cambridge, through scikit-learn",
            classes=40,
        ),
        _dataset(
            "digits",
            "pictures",
            "Handwritten digits of 8x8 pixels.",
            "classification",
            1797,
            (8, 8),
            "UCI, in scikit-learn",
            classes=10,
        ),
        _dataset(
            "iris",
            "table",
            "Three kinds of iris by four lengths.",
            "classification",
            150,
            (4,),
            "Fisher 1936, in scikit-learn",
            classes=3,
        ),
        _dataset(
            "wine",
            "table",
            "Three cultivars of wine by 13 chemical measures.",
            "classification",
            178,
            (13,),
            "UCI, in scikit-learn",
            classes=3,
        ),
        _dataset(
            "breast_cancer",
            "table",
            "Malignant or benign, by 30 measures of cell nuclei.",
            "classification",
            569,
            (30,),
            "UCI, in scikit-learn",
            classes=2,
        ),
        _dataset(
            "diabetes",
            "table",
            "Progress of diabetes after a year, by ten measures.",
            "regression",
            442,
            (10,),
            "Efron et al. 2004, in scikit-learn",
        ),
        _dataset(
            "california_housing",
            "table",
            "Median house values of Californian districts, 1990.",
            "regression",
            20640,
            (8,),
            "Pace and Barry 1997, through scikit-learn",
        ),
        _dataset(
            "mnist",
            "pictures",
            "Handwritten digits of 28x28 pixels.",
            "classification",
            70000,
            (28, 28),
            "LeCun et al., through Keras",
            classes=10,
            parts=("train", "test"),
        ),
        _dataset(
            "fashion_mnist",
            "pictures",
            "Pieces of clothing of 28x28 pixels.",
            "classification",
            70000,
            (28, 28),
            "Zalando, through Keras",
            classes=10,
            parts=("train", "test"),
        ),
        _dataset(
            "cifar10",
            "pictures",
            "Coloured pictures of 32x32 pixels in ten classes.",
            "classification",
            60000,
            (32, 32, 3),
            "Krizhevsky 2009, through Keras",
            classes=10,
            parts=("train", "test"),
        ),
        Source(
            "noise",
            "any",
            "Random inputs and labels that have nothing to do with each other.",
            {
                "rows": SourceArgument("int>=1", 1000, "How many rows."),
                "shape": SourceArgument(
                    "list(int>=1)", [20], "Shape of one input: one number makes a table, more make pictures."
                ),
                "classes": SourceArgument("'none'|none|int>=0", 2, "How many labels; 0 or none: a number to predict."),
            },
            origin="drawn from the config's seed",
        ),
        Source(
            "playground",
            "table",
            "Points of two colours, as TensorFlow's playground draws them.",
            {
                "problem": SourceArgument("'circle'|'xor'|'gauss'|'spiral'", "circle", "How the colours lie."),
                "rows": SourceArgument("int>=2", 500, "How many points, half of each colour."),
                "noise": SourceArgument("number[0,0.5]", 0.0, "How far points stray, as the playground's slider has it."),
            },
            task="classification",
            rows=500,
            shape=(2,),
            classes=2,
            origin="drawn from the config's seed, after playground.tensorflow.org",
        ),
    )
}


def sources_with_argument(name: str) -> list[str]:
    """The sources that have an argument of this name."""
    return [source.name for source in SOURCES.values() if name in source.arguments]


# Sources that have no files: what they hold is drawn from the config's seed.
GENERATED = ("noise", "playground")
