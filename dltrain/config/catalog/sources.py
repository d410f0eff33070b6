"""The data sources with their own arguments and what is known of them without reading them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


Size = tuple[int, tuple[int, ...], int | None]


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
        parts: parts that it brings along, with their rows.
        origin: where it comes from.
        kept: where it is without being fetched, in words; empty for what lies in files of its own.
        in_blocks: its files can be read a block at a time, whatever their size.
        as_bytes: its pixels stay the bytes that they are until a batch is made of them.
        sized_by: rows, shape and classes by the arguments, or None where they have to be counted.
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
    parts: Mapping[str, int] = field(default_factory=dict)
    origin: str = ""
    kept: str = ""
    in_blocks: bool = False
    as_bytes: bool = False
    sized_by: Callable[[Mapping[str, Any]], Size | None] | None = None

    def size(self, arguments: Mapping[str, Any]) -> Size | None:
        """Rows, shape and classes of a named dataset; None where they have to be counted."""
        if self.sized_by is not None:
            return self.sized_by(arguments)
        return None if self.rows is None else (self.rows, self.shape, self.classes)


INSTALLED = "comes with scikit-learn"
GENERATED = "made from the seed"


def _dataset(
    name: str, holds: str, description: str, task: str, rows: int, shape: tuple[int, ...], origin: str, **more: Any
) -> Source:
    return Source(name, holds, description, task=task, rows=rows, shape=shape, origin=origin, **more)


CROP = (125, 94)  # the part of a picture of LFW that scikit-learn takes
# Pictures of each person who has at least 30 in Labeled Faces in the Wild (Huang et al. 2007), most first.
PICTURES_OF_EACH = (
    530, 236, 144, 121, 109, 77, 71, 60, 55, 53, 52, 52, 49, 48, 44, 42, 42, 41, 41, 39, 39, 37, 36, 35, 33, 33, 33,
    32, 32, 32, 31, 31, 30, 30,
)  # fmt: skip


def _size_of_faces(arguments: Mapping[str, Any]) -> Size | None:
    """LFW by its arguments; people of fewer than 30 pictures, and other parts of the picture, have to be counted."""
    least = arguments.get("min_faces_per_person") or 0
    pictures = [count for count in PICTURES_OF_EACH if count >= least]
    resize = arguments.get("resize", 0.5)
    height, width = (int((1 if resize is None else resize) * side) for side in CROP)
    is_listed = least <= 1 or (least >= PICTURES_OF_EACH[-1] and pictures)
    if "slice" in arguments or min(height, width) < 1 or not is_listed:
        return None
    rows, people = (13_233, 5_749) if least <= 1 else (sum(pictures), len(pictures))
    return rows, (height, width, 3 if arguments.get("color") else 1), people


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
    "on_error": SourceArgument(
        "'fail'|'skip'", "fail", "What a picture that cannot be read, or has no mask, does: its row is left out by skip."
    ),
    "depth": SourceArgument(
        "int[1,32]|none",
        None,
        "Bits that pictures of more than 8 bits a pixel use: 12 takes 4095 for white; by default by the training part.",
    ),
}

GAPS = {
    "gaps": SourceArgument(
        "list(name)|name|none", None, "Columns of numbers in which a word is no value, whichever it is; how many are, is said."
    ),
}

MASKS = {
    "classes": SourceArgument(
        "list(name)|map(name)|none",
        None,
        "Of masks (task: segmentation): names of the classes in the order of their pixel values from 0, or value: name; "
        "by default the values of the training masks.",
    ),
    "ignore": SourceArgument(
        "int[0,255]|none",
        None,
        "Of masks (task: segmentation): the pixel value that is no class and counts nowhere, such as 255.",
    ),
    "tiles": SourceArgument(
        "int>=16|none",
        None,
        "Of masks (task: segmentation): large pictures are cut into tiles so many pixels wide, of the shape of image_size, of "
        "which each is a row; all tiles of a picture are in one part, and `predict` tells new pictures in tiles as well.",
    ),
}

CLASSES = {"classes": SourceArgument("list(name)|none", None, "The folders that are classes; by default all in it.")}

_NAMED = (
    _dataset("olivetti_faces", "pictures", "Ten grey portraits each of 40 people.", "classification", 400, (64, 64),
             "AT&T Laboratories Cambridge, through scikit-learn", classes=40),
    _dataset("digits", "pictures", "Handwritten digits of 8x8 pixels.", "classification", 1797, (8, 8),
             "UCI, in scikit-learn", classes=10, kept=INSTALLED),
    _dataset("iris", "table", "Three kinds of iris by four lengths.", "classification", 150, (4,),
             "Fisher 1936, in scikit-learn", classes=3, kept=INSTALLED),
    _dataset("wine", "table", "Three cultivars of wine by 13 chemical measures.", "classification", 178, (13,),
             "UCI, in scikit-learn", classes=3, kept=INSTALLED),
    _dataset("breast_cancer", "table", "Malignant or benign, by 30 measures of cell nuclei.", "classification", 569, (30,),
             "UCI, in scikit-learn", classes=2, kept=INSTALLED),
    _dataset("diabetes", "table", "Progress of diabetes after a year, by ten measures.", "regression", 442, (10,),
             "Efron et al. 2004, in scikit-learn", kept=INSTALLED),
    _dataset("california_housing", "table", "Median house values of Californian districts, 1990.", "regression", 20640,
             (8,), "Pace and Barry 1997, through scikit-learn"),
    _dataset("mnist", "pictures", "Handwritten digits of 28x28 pixels.", "classification", 70000, (28, 28),
             "LeCun et al., through Keras", classes=10, parts={"train": 60_000, "test": 10_000}),
    _dataset("fashion_mnist", "pictures", "Pieces of clothing of 28x28 pixels.", "classification", 70000, (28, 28),
             "Zalando, through Keras", classes=10, parts={"train": 60_000, "test": 10_000}),
    _dataset("cifar10", "pictures", "Coloured pictures of 32x32 pixels in ten classes.", "classification", 60000,
             (32, 32, 3), "Krizhevsky 2009, through Keras", classes=10, parts={"train": 50_000, "test": 10_000}),
)  # fmt: skip

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        Source(
            "csv",
            "table",
            "Text tables: CSV, TSV, compressed or not; one file, several, or a pattern.",
            PICTURE_FORM | GAPS,
            needs_path=True,
            needs_target=True,
            in_blocks=True,
        ),
        Source(
            "parquet",
            "table",
            "Parquet tables; one file, several, or a pattern.",
            PICTURE_FORM | GAPS,
            needs_path=True,
            needs_target=True,
            in_blocks=True,
        ),
        Source(
            "npz",
            "any",
            "NumPy archives of arrays, without pickles; those called by parts (x_train, y_train, x_test, ...) bring these along.",
            {
                "inputs": SourceArgument("text", "x", "Name of the array of inputs, [rows, ...]."),
                "targets": SourceArgument("text|none", "y", "Name of the array of targets, [rows]."),
            },
            needs_path=True,
        ),
        Source(
            "image_folder",
            "pictures",
            "Pictures in a folder for each class, or named in a table with their labels; or pictures/ with masks/ beside it.",
            {
                **PICTURE_FORM,
                "files": SourceArgument("name|none", None, "Column of a table that names the pictures; by default found."),
                **MASKS,
            },
            needs_path=True,
            as_bytes=True,
        ),
        Source("text_folder", "table", "Texts in a .txt file each, in a folder for each class.", CLASSES, needs_path=True),
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
            sized_by=_size_of_faces,
            origin="Labeled Faces in the Wild, University of Massachusetts, through scikit-learn",
        ),
        *_NAMED,
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
            kept=GENERATED,
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
            kept=GENERATED,
        ),
        Source(
            "shapes",
            "pictures",
            "Circles, squares and triangles with the class of every pixel (task: segmentation).",
            {
                "rows": SourceArgument("int>=2", 400, "How many pictures."),
                "size": SourceArgument("int>=16", 64, "Pixels of either side."),
                "border": SourceArgument("int>=0", 0, "Pixels around each shape that are ignored."),
            },
            task="segmentation",
            rows=400,
            shape=(64, 64, 3),
            classes=4,
            origin="drawn from the config's seed",
            kept=GENERATED,
        ),
    )
}


def sources_with_argument(name: str) -> list[str]:
    """The sources that have an argument of this name."""
    return [source.name for source in SOURCES.values() if name in source.arguments]


def is_generated(name: str) -> bool:
    """Whether a source has no files: what it holds is drawn from the config's seed."""
    return name in SOURCES and SOURCES[name].kept == GENERATED
