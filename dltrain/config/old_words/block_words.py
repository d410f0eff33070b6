"""Words that mean something of their own in one block of a config, names of blocks, and commands of other tools."""

from __future__ import annotations

from collections.abc import Mapping

from dltrain.config.old_words.keras_words import EACH_EPOCH, EPOCHS, SCHEDULE
from dltrain.config.old_words.spread import spread, spread_all

# A word in one block -> how the same is said; looked up before the words of all blocks.
OF_BLOCKS: Mapping[str, Mapping[str, str]] = spread_all(
    {
        "sweep": {
            "sweep.strategy": "method search algorithm sampler search_alg tuner",
            "sweep.trials": "n_trials max_trials num_samples n_iter num_trials iterations max_evals run_cap count",
            "sweep.parameters": "params grid space param_space hyperparameters search_space param_grid over",
            "sweep.mode": "direction goal optimize direction_of_optimization",
            "sweep.metric": "objective monitor optimize_metric scoring target",
            "sweep.jobs": "n_jobs workers parallel max_workers",
            "sweep.pruning": "pruner scheduler early_terminate early_stopping",
            "sweep.seeds": "repeats n_repeats executions_per_trial seed",
            "sweep.timeout": "max_time time_budget",
            "sweep.engine": "executor backend",
        },
        "evaluation": {
            "write evaluation.require: accuracy>=0.9": "gates gate min_accuracy thresholds assert goal",
            "evaluation.threshold": "cutoff decision_threshold prob_threshold",
            "evaluation.slices": "by groups segments subgroups",
            "evaluation.calibrate": "calibration calibrator",
            "of F1 it is an argument of the metric: training.metrics: [{F1Score: {average: macro}}]": "average",
        },
        "data": {
            "data.weight": "weights",
            "data.encode": "encoder encoding_method",
            "data.task": "mode type",
            "the training part: data.path, or what data.split.test and data.split.validation leave of it": "train",
            "write data.image_size: [height, width]": "size",
            "each picture is resized whole to data.image_size; leave it out": (
                "keep_aspect_ratio crop_to_aspect_ratio letterbox pad_to_aspect_ratio"
            ),
            "training.shuffle": "shuffle_buffer_size",
            "seed, of everything; data.split.seed, of the split alone, with `like: scikit-learn` the very same rows": (
                "random_state"
            ),
        },
        "data.text": {
            "data.text.ngrams": "ngram_range ngram n_grams",
            "write data.text.standardize: lower_and_strip_punctuation": "lower lowercase filters strip",
            "write data.text.split: whitespace, character, wordpiece or bpe": "char_level tokenizer analyzer level",
            "data.text.vectors": "embedding embeddings glove pretrained pretrained_embeddings",
            "short texts are padded at their end, and long ones cut there; leave it out": "padding truncating pad",
            "unknown words are [UNK]; leave it out": "oov_token unk_token",
            "data.text.max_tokens keeps the most frequent words": "min_df max_df stop_words sublinear_tf",
            "texts become tokens in their order; GlobalAveragePooling1D over an Embedding is near to a bag of words": (
                "tfidf vectorizer mode binary output_mode"
            ),
        },
        "data.series": {
            "data.series.history": "window steps lag length input_length past",
            "data.series.horizon": "forecast steps_ahead future output_length predict",
            "data.series.time": "date column index time_index",
            "data.series.id": "group group_by groups by store",
            "data.series.stride": "step hop",
            "data.series.season": "seasonality period m",
            "data.features": "features covariates",
            "data.series.known": "known_covariates future_covariates futr_exog_list futr_exog",
            "data.series.static": "static_covariates static_features stat_exog_list stat_exog",
        },
        "data.split": {
            "write data.split: {test: 0.2, validation: 0.1}": "type method random ratio sizes",
            "data.split.time": "date datetime time_series time_column temporal chronological",
            "data.split.group": "by groups group_by",
            "data.split.validation": "dev val eval",
        },
        "training.checkpoint": {
            "training.checkpoint.filepath": "filename path file name dirpath",
            "how much is shown is said on the command line: -q, -v or -vv": "verbose",
            EACH_EPOCH: "every_n_epochs",
            "the last weights are always kept: checkpoints/last.h5": "save_last",
        },
        "model": {
            "training.optimizer, training.loss and training.metrics say it": "compile",
            "write `trainable: false` among the arguments of the layer": "trainable",
            "a network is a layer: model.layers: [{Xception: {weights: imagenet, trainable: false}}]": (
                "application backbone base_model encoder"
            ),
            "the output layer follows from the task; model.output says otherwise": "classes",
            "model.layers is the list of layers, from the first to the last": "type",
            "model.output": "outputs top final_layer",
            "model.layers": "layer network hidden",
        },
        "training": {
            EPOCHS: "steps",
            "seed": "seed",
            SCHEDULE: "scheduler",
            "training.epochs": "train",
        },
        "a range": {
            "write `choices`, or the list alone": "values options",
            "write `low`": "min from start minimum lower",
            "write `high`": "max to stop end maximum upper",
            "leave it out: whole numbers as bounds give whole numbers": "type space dtype",
            "write `log: true` where the magnitude varies, else leave it out": "distribution scale prior sampling",
            "write `step`": "q quantum increment",
            "write low, high and `log: true`, such as {low: 0.0001, high: 0.1, log: true}": "loguniform log_uniform logrange",
            "write low and high, such as {low: 0.1, high: 0.5}": "uniform quniform randint int_uniform range interval float int",
        },
    }
)

# Blocks at the top by the names that they have elsewhere -> the block.
OLD_BLOCKS: Mapping[str, str] = spread(
    {
        "training": "train trainer fit compile optimization train_args",
        "model": "network net architecture nn combiner",
        "data": "dataset datasets input inputs preprocessing",
        "sweep": "hyperopt tune search hyperparameters grid param_grid",
        "evaluation": "eval evaluate validation metrics_config",
    }
)

# Commands that other tools have -> the one that does it here.
OLD_COMMANDS = spread(
    {
        "fit": "train run learn",
        "evaluate": "test eval score",
        "check": "validate lint summary",
        "predict": "infer inference",
        "sweep": "tune search grid optimize",
        "runs": "list ls rm",
        "init": "new",
        "datasets": "data download",
        "compare": "diff plot",
        "explain": "help",
        "export": "convert",
    }
)
