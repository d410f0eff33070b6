"""Words that mean something of their own in one block of a config, names of blocks, and commands of other tools."""

from __future__ import annotations

from collections.abc import Mapping

from dltrain.config.old_words.keras_words import EACH_EPOCH, EPOCHS, SCHEDULE

# A word in one block -> how the same is said; looked up before the words of all blocks.
OF_BLOCKS: Mapping[str, Mapping[str, str]] = {
    "sweep": {
        **dict.fromkeys(("method", "search", "algorithm", "sampler", "search_alg", "tuner"), "sweep.strategy"),
        **dict.fromkeys(
            ("n_trials", "max_trials", "num_samples", "n_iter", "num_trials", "iterations", "max_evals", "run_cap", "count"),
            "sweep.trials",
        ),
        **dict.fromkeys(
            ("params", "grid", "space", "param_space", "hyperparameters", "search_space", "param_grid", "over"),
            "sweep.parameters",
        ),
        **dict.fromkeys(("direction", "goal", "optimize", "direction_of_optimization"), "sweep.mode"),
        **dict.fromkeys(("objective", "monitor", "optimize_metric", "scoring", "target"), "sweep.metric"),
        **dict.fromkeys(("n_jobs", "workers", "parallel", "max_workers"), "sweep.jobs"),
        **dict.fromkeys(("pruner", "scheduler", "early_terminate", "early_stopping"), "sweep.pruning"),
        **dict.fromkeys(("repeats", "n_repeats", "executions_per_trial", "seed"), "sweep.seeds"),
        **dict.fromkeys(("max_time", "time_budget"), "sweep.timeout"),
        **dict.fromkeys(("executor", "backend"), "sweep.engine"),
    },
    "evaluation": {
        **dict.fromkeys(
            ("gates", "gate", "min_accuracy", "thresholds", "assert", "goal"), "write evaluation.require: accuracy>=0.9"
        ),
        **dict.fromkeys(("cutoff", "decision_threshold", "prob_threshold"), "evaluation.threshold"),
        **dict.fromkeys(("by", "groups", "segments", "subgroups"), "evaluation.slices"),
        **dict.fromkeys(("calibration", "calibrator"), "evaluation.calibrate"),
        "average": "of F1 it is an argument of the metric: training.metrics: [{F1Score: {average: macro}}]",
    },
    "data": {
        "weights": "data.weight",
        **dict.fromkeys(("encoder", "encoding_method"), "data.encode"),
        **dict.fromkeys(("mode", "type"), "data.task"),
        "train": "the training part: data.path, or what data.split.test and data.split.validation leave of it",
        "size": "write data.image_size: [height, width]",
        **dict.fromkeys(
            ("keep_aspect_ratio", "crop_to_aspect_ratio", "letterbox", "pad_to_aspect_ratio"),
            "each picture is resized whole to data.image_size; leave it out",
        ),
        "shuffle_buffer_size": "training.shuffle",
        "random_state": "seed, of everything; data.split.seed, of the split alone, with `like: scikit-learn` the very same rows",
    },
    "data.text": {
        **dict.fromkeys(("ngram_range", "ngram", "n_grams"), "data.text.ngrams"),
        **dict.fromkeys(("lower", "lowercase", "filters", "strip"), "write data.text.standardize: lower_and_strip_punctuation"),
        **dict.fromkeys(
            ("char_level", "tokenizer", "analyzer", "level"), "write data.text.split: whitespace, character, wordpiece or bpe"
        ),
        **dict.fromkeys(("embedding", "embeddings", "glove", "pretrained", "pretrained_embeddings"), "data.text.vectors"),
        **dict.fromkeys(
            ("padding", "truncating", "pad"), "short texts are padded at their end, and long ones cut there; leave it out"
        ),
        **dict.fromkeys(("oov_token", "unk_token"), "unknown words are [UNK]; leave it out"),
        **dict.fromkeys(("min_df", "max_df", "stop_words", "sublinear_tf"), "data.text.max_tokens keeps the most frequent words"),
        **dict.fromkeys(
            ("tfidf", "vectorizer", "mode", "binary", "output_mode"),
            "texts become tokens in their order; GlobalAveragePooling1D over an Embedding is near to a bag of words",
        ),
    },
    "data.series": {
        **dict.fromkeys(("window", "steps", "lag", "length", "input_length", "past"), "data.series.history"),
        **dict.fromkeys(("forecast", "steps_ahead", "future", "output_length", "predict"), "data.series.horizon"),
        **dict.fromkeys(("date", "column", "index", "time_index"), "data.series.time"),
        **dict.fromkeys(("group", "group_by", "groups", "by", "store"), "data.series.id"),
        **dict.fromkeys(("step", "hop"), "data.series.stride"),
        **dict.fromkeys(("seasonality", "period", "m"), "data.series.season"),
        **dict.fromkeys(("features", "covariates"), "data.features"),
        **dict.fromkeys(("known_covariates", "future_covariates", "futr_exog_list", "futr_exog"), "data.series.known"),
        **dict.fromkeys(("static_covariates", "static_features", "stat_exog_list", "stat_exog"), "data.series.static"),
    },
    "data.split": {
        **dict.fromkeys(("type", "method", "random", "ratio", "sizes"), "write data.split: {test: 0.2, validation: 0.1}"),
        **dict.fromkeys(("date", "datetime", "time_series", "time_column", "temporal", "chronological"), "data.split.time"),
        **dict.fromkeys(("by", "groups", "group_by"), "data.split.group"),
        "dev": "data.split.validation",
        "val": "data.split.validation",
        "eval": "data.split.validation",
    },
    "training.checkpoint": {
        **dict.fromkeys(("filename", "path", "file", "name", "dirpath"), "training.checkpoint.filepath"),
        "verbose": "how much is shown is said on the command line: -q, -v or -vv",
        "every_n_epochs": EACH_EPOCH,
        "save_last": "the last weights are always kept: checkpoints/last.h5",
    },
    "model": {
        "compile": "training.optimizer, training.loss and training.metrics say it",
        "trainable": "write `trainable: false` among the arguments of the layer",
        **dict.fromkeys(
            ("application", "backbone", "base_model", "encoder"),
            "a network is a layer: model.layers: [{Xception: {weights: imagenet, trainable: false}}]",
        ),
        "classes": "the output layer follows from the task; model.output says otherwise",
        "type": "model.layers is the list of layers, from the first to the last",
        **dict.fromkeys(("outputs", "top", "final_layer"), "model.output"),
        **dict.fromkeys(("layer", "network", "hidden"), "model.layers"),
    },
    "training": {
        "steps": EPOCHS,
        "seed": "seed",
        "scheduler": SCHEDULE,
        "train": "training.epochs",
    },
    "a range": {
        "values": "write `choices`, or the list alone",
        "options": "write `choices`, or the list alone",
        **dict.fromkeys(("min", "from", "start", "minimum", "lower"), "write `low`"),
        **dict.fromkeys(("max", "to", "stop", "end", "maximum", "upper"), "write `high`"),
        **dict.fromkeys(("type", "space", "dtype"), "leave it out: whole numbers as bounds give whole numbers"),
        **dict.fromkeys(
            ("distribution", "scale", "prior", "sampling"), "write `log: true` where the magnitude varies, else leave it out"
        ),
        **dict.fromkeys(("q", "quantum", "increment"), "write `step`"),
    },
}

# Blocks at the top by the names that they have elsewhere -> the block.
OLD_BLOCKS: Mapping[str, str] = {
    **dict.fromkeys(("train", "trainer", "fit", "compile", "optimization", "train_args"), "training"),
    **dict.fromkeys(("network", "net", "architecture", "nn", "combiner"), "model"),
    **dict.fromkeys(("dataset", "datasets", "input", "inputs", "preprocessing"), "data"),
    **dict.fromkeys(("hyperopt", "tune", "search", "hyperparameters", "grid", "param_grid"), "sweep"),
    **dict.fromkeys(("eval", "evaluate", "validation", "metrics_config"), "evaluation"),
}

# Commands that other tools have -> the one that does it here.
OLD_COMMANDS = {
    "train": "fit",
    "run": "fit",
    "learn": "fit",
    "test": "evaluate",
    "eval": "evaluate",
    "score": "evaluate",
    "validate": "check",
    "lint": "check",
    "summary": "check",
    "infer": "predict",
    "inference": "predict",
    "tune": "sweep",
    "search": "sweep",
    "grid": "sweep",
    "optimize": "sweep",
    "list": "runs",
    "ls": "runs",
    "rm": "runs",
    "new": "init",
    "data": "datasets",
    "download": "datasets",
    "diff": "compare",
    "plot": "compare",
    "help": "explain",
    "convert": "export",
}
