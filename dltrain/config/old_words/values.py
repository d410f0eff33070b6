"""Values and sources of data by the names that they have in other libraries."""

from __future__ import annotations

from collections.abc import Mapping

from dltrain.config.old_words.spread import spread, spread_all

# Words of other libraries for a value -> what it is called here, where that is one of the words that may stand there.
KNOWN_VALUES: Mapping[str, tuple[str, ...]] = spread(
    {
        ("number",): "numeric numerical num int int64 int32 integer float float32 float64 double continuous",
        ("category",): "categorical cat nominal ordinal enum factor",
        ("text", "category"): "str string object sentence sequence document",
        ("boolean",): "bool flag",
        ("date",): "datetime datetime64 time timestamp day",
        ("image",): "picture img photo path filename file",
        ("standard",): "standardscaler standardscaler() zscore normalize normalise standardize meanstd",
        ("minmax",): "minmaxscaler minmaxscaler() minmaxscaling",
        ("robust",): "robustscaler robustscaler() iqr",
        ("quantile",): "quantiletransformer quantiletransformer() rank",
        ("unit",): "rescale 1/255 1/255. 1./255 1.0/255 255 0.003921568627451 totensor",
        ("none",): "false off no raw",
        ("classification", "sigmoid"): (
            "classify classifier binary multiclass binaryclassification multiclassclassification logistic"
        ),
        ("classification",): "imageclassification textclassification",
        ("segmentation",): "segment semanticsegmentation mask masks",
        ("multilabel",): "tagging multilabelclassification",
        ("regression",): "regress regr regressor forecasting forecast timeseries",
        ("reconstruction",): "autoencoder anomaly anomalydetection unsupervised",
        ("grayscale",): "gray grey greyscale l bw mono blackandwhite",
        ("rgb",): "color colour bgr rgba",
        ("one_hot",): "onehot onehotencoder dummies dummy getdummies",
        ("embedding",): "embed labelencoder ordinalencoder",
        ("standard", "balanced"): "true",
        ("balanced",): "balance auto",
        ("tpe",): "bayesian bayes optuna bayesianoptimization hyperopt",
        ("grid",): "gridsearch gridsearchcv",
        ("random",): "randomsearch randomizedsearchcv randomized",
        ("successive_halving",): "hyperband asha sha halving",
        ("min",): "minimize minimum lower minimise",
        ("max",): "maximize maximise maximum higher",
        ("scikit-learn",): "sklearn scikitlearn",
        ("most_frequent",): "mode mostcommon",
        ("mean",): "avg average",
        ("day_first",): "dayfirst dd/mm/yyyy dmy",
        ("mixed_float16",): "16 fp16 half float16 amp mixed",
        ("mixed_bfloat16",): "bf16 bfloat16",
        ("float32",): "32 fp32",
        ("bilinear",): "interlinear linear pil.image.bilinear image.bilinear",
        ("nearest",): "internearest pil.image.nearest image.nearest",
        ("bicubic",): "intercubic cubic pil.image.bicubic image.bicubic",
        ("box",): "interarea area",
        ("lanczos",): "pil.image.lanczos lanczos3",
        ("character",): "char characters charlevel",
        ("whitespace",): "word words",
        ("lower",): "lowercase",
        ("valid", "none"): "0",
        ("same",): "1",
    }
)

_HALVING = "write sweep.pruning: successive_halving; the strategy is grid, random or tpe"

_BY_TARGET = "write true: the shares of the classes are those of the target"

# A key -> a value of other libraries -> what is said of it, where no other word can stand in its place.
SAID_OF_VALUES: Mapping[str, Mapping[str, str]] = spread_all(
    {
        "sweep.strategy": {
            _HALVING: "hyperband asha bohb halving halvinggridsearchcv",
        },
        "data.header": {
            "write false where the first line is a row, and name the columns in data.columns": "none no false",
            "write true, or leave it out: the first line holds the names of the columns": "0 infer first 1",
        },
        "data.split.stratify": {
            _BY_TARGET: "y target label class",
        },
        "data.features": {
            "leave it out: all columns but the target are features": "all * :",
        },
        "data.scale": {
            "write minmax, or data.transform": "l2 l1 maxabs maxabsscaler maxabsscaler() normalizer",
        },
        "training.batch_size": {
            "write the number of rows, or more: one step is then one epoch": "full all",
        },
        "training.loss": {
            "leave it out": "none",
        },
    }
)

# Names of sources that people know from elsewhere -> the source.
KNOWN_SOURCES = spread(
    {
        "image_folder": "images image pictures folder directory imagefolder imagedirectory",
        "csv": "table tsv file pandas dataframe text txt dat",
        "npz": "numpy npy arrays array",
        "parquet": "arrow feather pyarrow",
        "lfw_people": "lfw",
        "olivetti_faces": "olivetti",
        "cifar10": "cifar",
        "fashion_mnist": "fashion",
        "california_housing": "boston bostonhousing housing",
        "breast_cancer": "cancer",
        "word_vectors": "glove embeddings",
    }
)
