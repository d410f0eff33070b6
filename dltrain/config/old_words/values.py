"""Values and sources of data by the names that they have in other libraries."""

from __future__ import annotations

from collections.abc import Mapping

# Words of other libraries for a value -> what it is called here, where that is one of the words that may stand there.
KNOWN_VALUES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "numeric",
            "numerical",
            "num",
            "int",
            "int64",
            "int32",
            "integer",
            "float",
            "float32",
            "float64",
            "double",
            "continuous",
        ),
        ("number",),
    ),
    **dict.fromkeys(("categorical", "cat", "nominal", "ordinal", "enum", "factor"), ("category",)),
    **dict.fromkeys(("str", "string", "object", "sentence", "sequence", "document"), ("text", "category")),
    "bool": ("boolean",),
    "flag": ("boolean",),
    **dict.fromkeys(("datetime", "datetime64", "time", "timestamp", "day"), ("date",)),
    **dict.fromkeys(("picture", "img", "photo", "path", "filename", "file"), ("image",)),
    **dict.fromkeys(
        ("standardscaler", "standardscaler()", "zscore", "normalize", "normalise", "standardize", "meanstd"), ("standard",)
    ),
    **dict.fromkeys(("minmaxscaler", "minmaxscaler()", "minmaxscaling"), ("minmax",)),
    **dict.fromkeys(("robustscaler", "robustscaler()", "iqr"), ("robust",)),
    **dict.fromkeys(("quantiletransformer", "quantiletransformer()", "rank"), ("quantile",)),
    **dict.fromkeys(("rescale", "1/255", "1/255.", "1./255", "1.0/255", "255", "0.003921568627451", "totensor"), ("unit",)),
    **dict.fromkeys(("false", "off", "no", "raw"), ("none",)),
    **dict.fromkeys(
        ("classify", "classifier", "binary", "multiclass", "binaryclassification", "multiclassclassification", "logistic"),
        ("classification", "sigmoid"),
    ),
    "imageclassification": ("classification",),
    "textclassification": ("classification",),
    **dict.fromkeys(("segment", "semanticsegmentation", "mask", "masks"), ("segmentation",)),
    "tagging": ("multilabel",),
    "multilabelclassification": ("multilabel",),
    **dict.fromkeys(("regress", "regr", "regressor", "forecasting", "forecast", "timeseries"), ("regression",)),
    **dict.fromkeys(("autoencoder", "anomaly", "anomalydetection", "unsupervised"), ("reconstruction",)),
    **dict.fromkeys(("gray", "grey", "greyscale", "l", "bw", "mono", "blackandwhite"), ("grayscale",)),
    **dict.fromkeys(("color", "colour", "bgr"), ("rgb",)),
    "rgba": ("rgb",),
    **dict.fromkeys(("onehot", "onehotencoder", "dummies", "dummy", "getdummies"), ("one_hot",)),
    **dict.fromkeys(("embed", "labelencoder", "ordinalencoder"), ("embedding",)),
    "true": ("standard", "balanced"),
    "balance": ("balanced",),
    "auto": ("balanced",),
    **dict.fromkeys(("bayesian", "bayes", "optuna", "bayesianoptimization", "hyperopt"), ("tpe",)),
    **dict.fromkeys(("gridsearch", "gridsearchcv"), ("grid",)),
    **dict.fromkeys(("randomsearch", "randomizedsearchcv", "randomized"), ("random",)),
    **dict.fromkeys(("hyperband", "asha", "sha", "halving"), ("successive_halving",)),
    **dict.fromkeys(("minimize", "minimum", "lower"), ("min",)),
    **dict.fromkeys(("maximize", "maximise", "maximum", "higher"), ("max",)),
    "minimise": ("min",),
    **dict.fromkeys(("sklearn", "scikitlearn"), ("scikit-learn",)),
    **dict.fromkeys(("mode", "mostcommon"), ("most_frequent",)),
    "avg": ("mean",),
    "average": ("mean",),
    **dict.fromkeys(("dayfirst", "dd/mm/yyyy", "dmy"), ("day_first",)),
    **dict.fromkeys(("16", "fp16", "half", "float16", "amp", "mixed"), ("mixed_float16",)),
    **dict.fromkeys(("bf16", "bfloat16"), ("mixed_bfloat16",)),
    "32": ("float32",),
    "fp32": ("float32",),
    **dict.fromkeys(("interlinear", "linear", "pil.image.bilinear", "image.bilinear"), ("bilinear",)),
    **dict.fromkeys(("internearest", "pil.image.nearest", "image.nearest"), ("nearest",)),
    **dict.fromkeys(("intercubic", "cubic", "pil.image.bicubic", "image.bicubic"), ("bicubic",)),
    **dict.fromkeys(("interarea", "area"), ("box",)),
    "pil.image.lanczos": ("lanczos",),
    "lanczos3": ("lanczos",),
    **dict.fromkeys(("char", "characters", "charlevel"), ("character",)),
    **dict.fromkeys(("word", "words"), ("whitespace",)),
    "lowercase": ("lower",),
    "0": ("valid", "none"),
    "1": ("same",),
}

_HALVING = "write sweep.pruning: successive_halving; the strategy is grid, random or tpe"

_BY_TARGET = "write true: the shares of the classes are those of the target"

# A key -> a value of other libraries -> what is said of it, where no other word can stand in its place.
SAID_OF_VALUES: Mapping[str, Mapping[str, str]] = {
    "sweep.strategy": dict.fromkeys(("hyperband", "asha", "bohb", "halving", "halvinggridsearchcv"), _HALVING),
    "data.header": {
        **dict.fromkeys(
            ("none", "no", "false"), "write false where the first line is a row, and name the columns in data.columns"
        ),
        **dict.fromkeys(
            ("0", "infer", "first", "1"), "write true, or leave it out: the first line holds the names of the columns"
        ),
    },
    "data.split.stratify": dict.fromkeys(("y", "target", "label", "class"), _BY_TARGET),
    "data.features": dict.fromkeys(("all", "*", ":"), "leave it out: all columns but the target are features"),
    "data.scale": dict.fromkeys(
        ("l2", "l1", "maxabs", "maxabsscaler", "maxabsscaler()", "normalizer"), "write minmax, or data.transform"
    ),
    "training.batch_size": dict.fromkeys(("full", "all"), "write the number of rows, or more: one step is then one epoch"),
    "training.loss": {"none": "leave it out"},
}

# Names of sources that people know from elsewhere -> the source.
KNOWN_SOURCES = {
    **dict.fromkeys(("images", "image", "pictures", "folder", "directory", "imagefolder", "imagedirectory"), "image_folder"),
    **dict.fromkeys(("table", "tsv", "file", "pandas", "dataframe", "text", "txt", "dat"), "csv"),
    **dict.fromkeys(("numpy", "npy", "arrays", "array"), "npz"),
    **dict.fromkeys(("arrow", "feather", "pyarrow"), "parquet"),
    "lfw": "lfw_people",
    "olivetti": "olivetti_faces",
    "cifar": "cifar10",
    "fashion": "fashion_mnist",
    "boston": "california_housing",
    "bostonhousing": "california_housing",
    "housing": "california_housing",
    "cancer": "breast_cancer",
    "glove": "word_vectors",
    "embeddings": "word_vectors",
}
