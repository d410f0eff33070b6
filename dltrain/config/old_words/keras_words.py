"""Words of Keras that are no keys of a config, and how a config says what they mean."""

from __future__ import annotations

from collections.abc import Mapping

STOPPING, CHECKPOINT = "training.early_stopping", "training.checkpoint"
EACH_EPOCH = "checkpoints are written at the end of each epoch; a filepath with {epoch} keeps them all"
EPOCHS = "training is counted in epochs: training.epochs, each of which goes through all rows once"
SCHEDULE = (
    "a schedule stands as the rate: training.optimizer: "
    "{SGD: {learning_rate: {CosineDecay: {initial_learning_rate: 0.01, decay_steps: 100 %}}}}"
)
AUGMENT = "write data.augment: [{layer}]"
RATE = "it is an argument of the optimizer: training.optimizer.learning_rate"

# A word that is no key here -> how the same is said. A path of a key alone, or a sentence.
WORDS_OF_KERAS: Mapping[str, str] = {
    # Keras: compile and fit
    "nb_epoch": "training.epochs",
    "n_epochs": "training.epochs",
    "num_epochs": "training.epochs",
    "max_epochs": "training.epochs",
    "lr": RATE,
    "learning_rate": RATE,
    "decay": (
        "a rate that falls is a schedule: learning_rate: "
        "{InverseTimeDecay: {initial_learning_rate: 0.01, decay_steps: 1, decay_rate: 1e-4}}; "
        "decay of the weights is the optimizer's weight_decay"
    ),
    "weight_decay": "it is an argument of the optimizer: training.optimizer.weight_decay",
    "momentum": "it is an argument of the optimizer: training.optimizer: {SGD: {momentum: 0.9}}",
    "clipnorm": "training.clip_norm",
    "max_grad_norm": "training.clip_norm, of each weight; the optimizer's global_clipnorm is of all together",
    "gradient_clip_val": "training.clip_norm, of each weight; the optimizer's global_clipnorm is of all together",
    "gradient_accumulation_steps": "training.gradient_accumulation",
    "accumulate_grad_batches": "training.gradient_accumulation",
    "verbose": "how much is shown is said on the command line: -q, -v or -vv",
    "callbacks": f"each has a key: {STOPPING}, {CHECKPOINT}, training.reduce_lr_on_plateau, training.tensorboard",
    "EarlyStopping": STOPPING,
    "ModelCheckpoint": CHECKPOINT,
    "ReduceLROnPlateau": "training.reduce_lr_on_plateau",
    "TensorBoard": "training.tensorboard",
    "LearningRateScheduler": SCHEDULE,
    "CSVLogger": "each run writes history.csv",
    "BackupAndRestore": "each run can be resumed: `dltrain fit --resume RUN`",
    "TerminateOnNaN": "a loss that is not finite ends the run by itself, with exit code 4",
    "patience": f"{STOPPING}.patience",
    "monitor": f"{STOPPING}.monitor",
    "min_delta": f"{STOPPING}.min_delta",
    "restore_best_weights": f"{STOPPING}.restore_best_weights",
    "save_best_only": f"{CHECKPOINT}.save_best_only",
    "filepath": f"{CHECKPOINT}.filepath",
    "save_format": f"{CHECKPOINT}.format",
    "period": EACH_EPOCH,
    "save_freq": EACH_EPOCH,
    "steps_per_epoch": "an epoch goes through all rows once; data.limit takes fewer",
    "validation_steps": "the whole validation part is evaluated",
    "initial_epoch": "a run goes on where it ended: `dltrain fit --resume RUN`",
    "sample_weight": "data.weight",
    "compile": "training.optimizer, training.loss and training.metrics say it",
    "fit": "training.epochs and training.batch_size say it; `dltrain fit CONFIG` trains",
    "input_shape": "the shape of the input follows from the data; leave it out",
    "input_dim": "the shape of the input follows from the data; leave it out",
    "include_top": "a network stands without its top: model.layers: [{Xception: {weights: imagenet}}]; the output layer follows",
    # Parts
    "validation_split": "data.split.validation",
    "val_split": "data.split.validation",
    "val_size": "data.split.validation",
    "validation_size": "data.split.validation",
    "valid": "data.split.validation",
    "val": "a share: data.split.validation; files of its own: data.validation",
    "validation_data": "data.validation",
    "val_data": "data.validation",
    "test_data": "data.test",
    "test_size": "data.split.test",
    "test_split": "data.split.test",
    "train_size": "the training part is what data.split.test and data.split.validation leave",
    "train": "the training part is what data.split.test and data.split.validation leave",
    "kfold": "data.split.folds",
    "k_folds": "data.split.folds",
    "n_splits": "data.split.folds",
    "cv": "data.split.folds",
    "sep": "data.separator",
    "delimiter": "data.separator",
    "na_values": "data.missing",
    "skiprows": "data.skip",
    "usecols": "data.features",
    "parse_dates": "data.dates",
    "shuffle_buffer": "training.shuffle",
    "window": "data.series.history",
    "window_size": "data.series.history",
    "lookback": "data.series.history",
    "look_back": "data.series.history",
    "timesteps": "data.series.history",
    "sequence_length": "data.series.history",
    "vocab_size": "data.text.max_tokens",
    "num_words": "data.text.max_tokens",
    "maxlen": "data.text.output_sequence_length",
    "max_length": "data.text.output_sequence_length",
    "random_state": "seed, of everything; data.split.seed, of the split alone, with `like: scikit-learn` the very same rows",
    "train_test_split": "write data.split: {test: 0.25, seed: 42, like: scikit-learn}",
    "random_seed": "seed",
    "x": "data.features",
    "y": "data.target",
    "label": "data.target",
    "to_categorical": "targets are encoded as the loss needs them; name the column in data.target",
    "one_hot": "categories are by default; data.encode: {column: one_hot}",
    "StandardScaler": "write data.scale: standard",
    "MinMaxScaler": "write data.scale: minmax",
    # Pictures
    "ImageDataGenerator": "data.source: image_folder reads the pictures, data.scale scales them, data.augment varies them",
    "flow_from_directory": "write data: {source: image_folder, path: FOLDER}",
    "image_dataset_from_directory": "write data: {source: image_folder, path: FOLDER}",
    "flow_from_dataframe": "write data: {source: csv, path: TABLE, features: {COLUMN: image}, target: COLUMN}",
    "target_size": "write data.image_size: [height, width]",
    "img_size": "write data.image_size: [height, width]",
    "class_mode": "it follows from the target; data.task says otherwise",
    "label_mode": "it follows from the target; data.task says otherwise",
    "color_mode": "data.color",
    "grayscale": "write data.color: grayscale",
    "preprocessing_function": "data.scale scales the pixels; a network of keras.applications brings its own preprocessing",
    "preprocess_input": "a network of keras.applications brings its own preprocessing",
    "rescale": "write data.scale: unit, which takes pixels to 0…1",
    "horizontal_flip": AUGMENT.format(layer="{RandomFlip: {mode: horizontal}}"),
    "vertical_flip": AUGMENT.format(layer="{RandomFlip: {mode: vertical}}"),
    "rotation_range": AUGMENT.format(layer="{RandomRotation: {factor: 0.1}}") + ", in turns of 360 degrees",
    "zoom_range": AUGMENT.format(layer="{RandomZoom: {height_factor: 0.2}}"),
    "width_shift_range": AUGMENT.format(layer="{RandomTranslation: {height_factor: 0.0, width_factor: 0.1}}"),
    "height_shift_range": AUGMENT.format(layer="{RandomTranslation: {height_factor: 0.1, width_factor: 0.0}}"),
    "brightness_range": AUGMENT.format(layer="{RandomBrightness: {factor: 0.2}}"),
    # What one asks of a model
    "decode_predictions": "predictions hold the names of the classes: `dltrain predict RUN --data FILE`",
    "classification_report": "`dltrain evaluate RUN` prints precision, recall and F1 of each class",
    "confusion_matrix": "`dltrain evaluate RUN` prints it",
    "summary": "`dltrain check CONFIG` prints the layers, their shapes and parameters",
    "load_model": "`dltrain predict RUN` and `dltrain evaluate RUN` load it",
    "save": "each run keeps its weights; `dltrain export RUN` writes one file",
    "class_weights": "training.class_weight",
    # Keras: more of fit and of its callbacks
    **dict.fromkeys(("max_epoch", "nb_epochs", "num_train_epochs", "epoch_count", "epochs_num", "max_iter"), "training.epochs"),
    **dict.fromkeys(("iterations", "n_iter", "num_iterations", "max_steps", "num_steps", "samples_per_epoch"), EPOCHS),
    **dict.fromkeys(("bs", "batch", "mini_batch_size", "minibatch_size", "train_batch_size"), "training.batch_size"),
    **dict.fromkeys(("validation_batch_size", "eval_batch_size", "val_batch_size"), "training.batch_size"),
    **dict.fromkeys(("validation_freq", "val_check_interval", "eval_every"), "the validation part is evaluated after each epoch"),
    **dict.fromkeys(
        ("early_stop", "early_stopping_rounds", "early_stopping_patience", "n_iter_no_change"), f"{STOPPING}.patience"
    ),
    "tol": f"{STOPPING}.min_delta",
    **dict.fromkeys(
        (
            "lr_scheduler",
            "scheduler",
            "schedule",
            "lr_schedule",
            "learning_rate_schedule",
            "learning_rate_scheduler",
            "cos_lr",
            "lrf",
        ),
        SCHEDULE,
    ),
    **dict.fromkeys(("StepLR", "MultiStepLR", "CosineAnnealingLR", "ExponentialLR", "OneCycleLR"), SCHEDULE),
    "reduce_lr": "training.reduce_lr_on_plateau",
    **dict.fromkeys(("warmup_steps", "warmup_epochs", "warmup_ratio", "num_warmup_steps"), "training.warmup"),
    "power_t": SCHEDULE,
    "nesterov": "it is an argument of the optimizer: training.optimizer: {SGD: {momentum: 0.9, nesterov: true}}",
    **dict.fromkeys(
        ("beta_1", "beta_2", "betas"), "it is an argument of the optimizer: training.optimizer: {Adam: {beta_1: 0.9}}"
    ),
    "epsilon": "it is an argument of the optimizer: training.optimizer: {Adam: {epsilon: 1e-7}}",
    "learning_rate_init": RATE,
    **dict.fromkeys(("lr0", "initial_lr", "base_lr", "eta", "eta0"), RATE),
    **dict.fromkeys(("solver", "optim", "optimizer_name", "optimizer_type"), "training.optimizer"),
    **dict.fromkeys(
        ("criterion", "objective", "loss_function", "loss_fn", "cost", "cost_function", "loss_type"), "training.loss"
    ),
    **dict.fromkeys(
        ("metric", "scoring", "score", "eval_metric", "eval_metrics", "weighted_metrics", "scorer"), "training.metrics"
    ),
    "loss_weights": "each target's loss takes its own: training.loss: {a: {MeanSquaredError: {}, weight: 0.5}}",
    **dict.fromkeys(
        (
            "gradient_clip",
            "clip_gradients",
            "clip_grad_norm",
            "clip_grad_norm_",
            "gradient_clipping",
            "clip_norm",
            "gradient_clip_norm",
        ),
        "training.clip_norm",
    ),
    **dict.fromkeys(
        ("clip_value", "clipvalue", "clip_grad_value", "gradient_clip_value"),
        "it is an argument of the optimizer: training.optimizer.clipvalue",
    ),
    "global_clipnorm": "it is an argument of the optimizer: training.optimizer.global_clipnorm",
    **dict.fromkeys(("ema", "ema_decay", "use_ema", "ExponentialMovingAverage", "SwapEMAWeights"), "write training.average: ema"),
    **dict.fromkeys(("swa", "swa_start", "stochastic_weight_averaging"), "write training.average: swa"),
    "label_smoothing": "it is an argument of the loss: training.loss: {CategoricalCrossentropy: {label_smoothing: 0.1}}",
    "from_logits": "write model.logits: true",
    **dict.fromkeys(("amp", "fp16", "half", "mixed_precision", "float16", "bf16"), "write training.precision: mixed_float16"),
    "dtype": "columns: data.features: {column: number}; what layers compute in: training.precision",
    **dict.fromkeys(("run_eagerly", "steps_per_execution", "eager"), "the loop is compiled by itself; leave it out"),
    **dict.fromkeys(("xla", "compile_model"), "training.jit_compile"),
    **dict.fromkeys(
        ("device", "devices", "gpu", "gpus", "cuda", "accelerator", "use_gpu", "n_gpu"),
        "the device is chosen by itself; CUDA_VISIBLE_DEVICES hides GPUs, --threads sets the cores",
    ),
    **dict.fromkeys(
        ("workers", "num_workers", "use_multiprocessing", "max_queue_size", "n_jobs", "num_parallel_calls", "nthreads"),
        "how many cores are used is said on the command line: --threads N; fits at a time of a sweep: --jobs N",
    ),
    **dict.fromkeys(
        ("prefetch", "cache", "pin_memory", "persistent_workers"), "data is held or read ahead by itself; leave it out"
    ),
    "resume": "a run goes on where it ended: `dltrain fit --resume RUN`",
    "warm_start": "model.weights",
    **dict.fromkeys(("pretrained", "init_checkpoint", "from_checkpoint", "load_weights"), "model.weights"),
    **dict.fromkeys(
        ("freeze", "frozen", "freeze_layers", "requires_grad"), "write `trainable: false` among the arguments of the layer"
    ),
    **dict.fromkeys(
        ("project", "save_dir", "output_dir", "output_directory"), "where runs are kept is said on the command line: --runs DIR"
    ),
    **dict.fromkeys(("experiment", "experiment_name", "run_name", "run_id"), "name"),
    "exist_ok": "each fit makes a run of its own; --run-dir DIR names it",
    **dict.fromkeys(("log_dir", "logging_dir", "tensorboard_callback", "logdir"), "training.tensorboard"),
    **dict.fromkeys(
        ("wandb", "mlflow", "report_to", "logger"), "`dltrain log RUN --to mlflow` hands a finished run to a tracker"
    ),
    **dict.fromkeys(("save_period", "save_every", "save_steps", "every_n_epochs", "save_top_k"), EACH_EPOCH),
    **dict.fromkeys(("sample_weights", "weight_column", "sample_weight_mode", "weights_column"), "data.weight"),
    "samples_per_class": "training.class_weight",
    # Keras: what a script does
    **dict.fromkeys(
        (
            "fit_generator",
            "train_on_batch",
            "model.fit",
            "DataLoader",
            "zero_grad",
            "backward",
            "optimizer.step",
            "fit_transform",
        ),
        "training.epochs and training.batch_size say it; `dltrain fit CONFIG` trains",
    ),
    **dict.fromkeys(("evaluate_generator", "test_on_batch", "model.evaluate"), "`dltrain evaluate RUN` does it"),
    **dict.fromkeys(
        ("predict_generator", "predict_classes", "predict_proba", "model.predict", "argmax"),
        "`dltrain predict RUN --data FILE` gives the classes and their probabilities",
    ),
    **dict.fromkeys(
        ("get_weights", "set_weights", "layer.get_weights"),
        "`dltrain trace RUN --weights` writes them out; model.weights begins with others",
    ),
    **dict.fromkeys(
        ("save_weights", "save_model", "torch.save", "joblib.dump", "pickle"),
        "each run keeps its weights; `dltrain export RUN` writes one file",
    ),
    **dict.fromkeys(
        ("Sequential", "Functional", "add", "nn.Module"),
        "model.layers is the list of layers, from the first to the last",
    ),
    **dict.fromkeys(
        ("Input", "InputLayer", "input_layer", "batch_input_shape"), "the shape of the input follows from the data; leave it out"
    ),
    **dict.fromkeys(
        ("output_layer", "num_classes", "n_classes", "nb_classes", "nc"),
        "the output layer follows from the task; model.output says otherwise",
    ),
    **dict.fromkeys(
        ("plot_model", "model.summary", "print"), "`dltrain check CONFIG` prints the layers, their shapes and parameters"
    ),
    **dict.fromkeys(
        ("plot", "plot_history", "learning_curve", "history.history"),
        "each run has history.csv and its picture; `dltrain compare RUN RUN` draws several",
    ),
    **dict.fromkeys(("set_seed", "set_random_seed", "manual_seed", "np.random.seed", "seed_everything"), "seed"),
    **dict.fromkeys(
        ("Tokenizer", "texts_to_sequences", "tokenizer", "TextVectorization"), "data.text, where the tokens are made by itself"
    ),
    "fit_on_texts": "data.text, where the tokens are made by itself",
    **dict.fromkeys(
        ("pad_sequences", "padding_length", "max_sequence_length", "max_len", "seq_len"), "data.text.output_sequence_length"
    ),
    **dict.fromkeys(("max_words", "nb_words", "max_features", "vocabulary_size"), "data.text.max_tokens"),
    "text_dataset_from_directory": "write data: {source: text_folder, path: FOLDER}",
    **dict.fromkeys(
        ("TimeseriesGenerator", "timeseries_dataset_from_array"),
        "data.series: its keys history, horizon and stride make the windows",
    ),
    **dict.fromkeys(
        ("load_img", "img_to_array", "array_to_img"), "`dltrain predict RUN --data PICTURE` reads it as training did"
    ),
    "load_data": "write data: {source: mnist}, or fashion_mnist, cifar10",
    **dict.fromkeys(
        ("roc_curve", "precision_recall_curve", "cross_val_predict"), "`dltrain evaluate RUN` and `dltrain report RUN` show it"
    ),
    **dict.fromkeys(("accuracy_score", "f1_score", "roc_auc_score", "log_loss"), "training.metrics, such as [accuracy, AUC]"),
}
