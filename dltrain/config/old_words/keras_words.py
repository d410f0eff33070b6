"""Words of Keras that are no keys of a config, with those of others that mean the same, and how a config says what they mean."""

from __future__ import annotations

from collections.abc import Mapping

from dltrain.config.old_words.spread import spread

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
WORDS_OF_KERAS: Mapping[str, str] = spread(
    {
        # Keras: compile and fit
        "training.epochs": (
            "nb_epoch n_epochs num_epochs max_epochs max_epoch nb_epochs num_train_epochs epoch_count epochs_num max_iter"
        ),
        RATE: "lr learning_rate learning_rate_init lr0 initial_lr base_lr eta eta0",
        (
            "a rate that falls is a schedule: learning_rate: "
            "{InverseTimeDecay: {initial_learning_rate: 0.01, decay_steps: 1, decay_rate: 1e-4}}; "
            "decay of the weights is the optimizer's weight_decay"
        ): "decay",
        "it is an argument of the optimizer: training.optimizer.weight_decay": "weight_decay",
        "it is an argument of the optimizer: training.optimizer: {SGD: {momentum: 0.9}}": "momentum",
        "training.clip_norm": "clipnorm gradient_clip clip_gradients clip_norm gradient_clip_norm clip_grad grad_clip",
        "training.clip_norm, of each weight; the optimizer's global_clipnorm is of all together": (
            "max_grad_norm gradient_clip_val clip_grad_norm clip_grad_norm_ gradient_clipping clip_by_global_norm"
        ),
        "training.gradient_accumulation": "gradient_accumulation_steps accumulate_grad_batches",
        "how much is shown is said on the command line: -q, -v or -vv": "verbose",
        f"each has a key: {STOPPING}, {CHECKPOINT}, training.reduce_lr_on_plateau, training.tensorboard": "callbacks",
        STOPPING: "EarlyStopping",
        CHECKPOINT: "ModelCheckpoint",
        "training.reduce_lr_on_plateau": "ReduceLROnPlateau reduce_lr",
        "training.tensorboard": "TensorBoard log_dir logging_dir tensorboard_callback logdir",
        SCHEDULE: (
            "LearningRateScheduler lr_scheduler scheduler schedule lr_schedule learning_rate_schedule learning_rate_scheduler "
            "cos_lr lrf StepLR MultiStepLR CosineAnnealingLR ExponentialLR OneCycleLR power_t"
        ),
        "each run writes history.csv": "CSVLogger",
        "each run can be resumed: `dltrain fit --resume RUN`": "BackupAndRestore",
        "a loss that is not finite ends the run by itself, with exit code 4": "TerminateOnNaN",
        f"{STOPPING}.patience": "patience early_stop early_stopping_rounds early_stopping_patience n_iter_no_change",
        f"{STOPPING}.monitor": "monitor",
        f"{STOPPING}.min_delta": "min_delta tol",
        f"{STOPPING}.restore_best_weights": "restore_best_weights",
        f"{CHECKPOINT}.save_best_only": "save_best_only save_best",
        f"{CHECKPOINT}.filepath": "filepath",
        f"{CHECKPOINT}.format": "save_format",
        EACH_EPOCH: "period save_freq save_period save_every save_steps every_n_epochs save_top_k",
        "an epoch goes through all rows once; data.limit takes fewer": "steps_per_epoch",
        "the whole validation part is evaluated": "validation_steps",
        "a run goes on where it ended: `dltrain fit --resume RUN`": "initial_epoch resume",
        "data.weight": "sample_weight sample_weights weight_column sample_weight_mode weights_column",
        "training.optimizer, training.loss and training.metrics say it": "compile",
        "training.epochs and training.batch_size say it; `dltrain fit CONFIG` trains": (
            "fit fit_generator train_on_batch model.fit DataLoader zero_grad backward optimizer.step fit_transform"
        ),
        "the shape of the input follows from the data; leave it out": (
            "input_shape input_dim Input InputLayer input_layer batch_input_shape"
        ),
        "a network stands without its top: model.layers: [{Xception: {weights: imagenet}}]; the output layer follows": (
            "include_top"
        ),
        # Parts
        "data.split.validation": (
            "validation_split val_split val_size validation_size valid val_ratio validation_ratio validation_fraction "
            "val_fraction valid_size dev_size"
        ),
        "a share: data.split.validation; files of its own: data.validation": "val",
        "data.validation": (
            "validation_data val_data val_path val_file val_dir valid_dir validation_dir validation_set validation_path dev"
        ),
        "data.test": "test_data test_path test_file test_dir test_set test_csv",
        "data.split.test": "test_size test_split test_ratio test_fraction holdout holdout_size",
        "the training part is what data.split.test and data.split.validation leave": (
            "train_size train train_split train_ratio train_fraction probabilities"
        ),
        "data.split.folds": (
            "kfold k_folds n_splits cv cross_val_score cross_validate KFold StratifiedKFold n_folds num_folds fold_count"
        ),
        "data.separator": "sep delimiter",
        "data.missing": "na_values na nan null nulls missing_values null_values missing_value",
        "data.skip": "skiprows skip_rows skip_lines skipheader",
        "data.features": "usecols x feature_columns input_features input_columns predictors inputs_columns feature_names",
        "data.dates": "parse_dates dayfirst date_format date_parser datetime_format",
        "training.shuffle": "shuffle_buffer",
        "data.series.history": (
            "window window_size lookback look_back timesteps sequence_length lags n_lags history_size input_width n_steps "
            "seq_length context_length time_steps window_length"
        ),
        "data.text.max_tokens": "vocab_size num_words max_words nb_words max_features vocabulary_size",
        "data.text.output_sequence_length": "maxlen max_length pad_sequences padding_length max_sequence_length max_len seq_len",
        "seed, of everything; data.split.seed, of the split alone, with `like: scikit-learn` the very same rows": "random_state",
        "write data.split: {test: 0.25, seed: 42, like: scikit-learn}": "train_test_split",
        "seed": "random_seed set_seed set_random_seed manual_seed np.random.seed seed_everything",
        "data.target": (
            "y label labels_column label_column target_column target_name class_column outcome response dependent y_col "
            "output_features targets y_column class"
        ),
        "targets are encoded as the loss needs them; name the column in data.target": (
            "to_categorical LabelEncoder label_encoder LabelBinarizer"
        ),
        "categories are by default; data.encode: {column: one_hot}": "one_hot OneHotEncoder get_dummies onehot dummies",
        "data.min_count, in rows": "min_frequency min_freq min_cat_count min_category_count rare_threshold",
        "write data.scale: standard": "StandardScaler",
        "write data.scale: minmax": "MinMaxScaler",
        # Pictures
        "data.source: image_folder reads the pictures, data.scale scales them, data.augment varies them": "ImageDataGenerator",
        "write data: {source: image_folder, path: FOLDER}": "flow_from_directory image_dataset_from_directory",
        "write data: {source: csv, path: TABLE, features: {COLUMN: image}, target: COLUMN}": "flow_from_dataframe",
        "write data.image_size: [height, width]": (
            "target_size img_size imgsz image_shape picture_size input_size img_shape image_height img_height image_width "
            "img_width img_rows img_cols height width"
        ),
        "it follows from the target; data.task says otherwise": "class_mode label_mode",
        "data.color": "color_mode channels num_channels n_channels img_channels color_channels",
        "write data.color: grayscale": "grayscale",
        "data.scale scales the pixels; a network of keras.applications brings its own preprocessing": "preprocessing_function",
        "a network of keras.applications brings its own preprocessing": "preprocess_input",
        "write data.scale: unit, which takes pixels to 0…1": "rescale",
        AUGMENT.format(layer="{RandomFlip: {mode: horizontal}}"): "horizontal_flip fliplr",
        AUGMENT.format(layer="{RandomFlip: {mode: vertical}}"): "vertical_flip flipud",
        AUGMENT.format(layer="{RandomRotation: {factor: 0.1}}") + ", in turns of 360 degrees": "rotation_range degrees",
        AUGMENT.format(layer="{RandomZoom: {height_factor: 0.2}}"): "zoom_range",
        AUGMENT.format(layer="{RandomTranslation: {height_factor: 0.0, width_factor: 0.1}}"): "width_shift_range",
        AUGMENT.format(layer="{RandomTranslation: {height_factor: 0.1, width_factor: 0.0}}"): "height_shift_range",
        AUGMENT.format(layer="{RandomBrightness: {factor: 0.2}}"): "brightness_range",
        # What one asks of a model
        "predictions hold the names of the classes: `dltrain predict RUN --data FILE`": "decode_predictions",
        "`dltrain evaluate RUN` prints precision, recall and F1 of each class": "classification_report",
        "`dltrain evaluate RUN` prints it": "confusion_matrix",
        "`dltrain check CONFIG` prints the layers, their shapes and parameters": "summary plot_model model.summary print",
        "`dltrain predict RUN` and `dltrain evaluate RUN` load it": "load_model",
        "each run keeps its weights; `dltrain export RUN` writes one file": (
            "save save_weights save_model torch.save joblib.dump pickle"
        ),
        "training.class_weight": "class_weights samples_per_class",
        # Keras: more of fit and of its callbacks
        EPOCHS: "iterations n_iter num_iterations max_steps num_steps samples_per_epoch",
        "training.batch_size": (
            "bs batch mini_batch_size minibatch_size train_batch_size validation_batch_size eval_batch_size val_batch_size"
        ),
        "the validation part is evaluated after each epoch": "validation_freq val_check_interval eval_every",
        "training.warmup": "warmup_steps warmup_epochs warmup_ratio num_warmup_steps",
        "it is an argument of the optimizer: training.optimizer: {SGD: {momentum: 0.9, nesterov: true}}": "nesterov",
        "it is an argument of the optimizer: training.optimizer: {Adam: {beta_1: 0.9}}": "beta_1 beta_2 betas",
        "it is an argument of the optimizer: training.optimizer: {Adam: {epsilon: 1e-7}}": "epsilon",
        "training.optimizer": "solver optim optimizer_name optimizer_type",
        "training.loss": "criterion objective loss_function loss_fn cost cost_function loss_type",
        "training.metrics": "metric scoring score eval_metric eval_metrics weighted_metrics scorer",
        "each target's loss takes its own: training.loss: {a: {MeanSquaredError: {}, weight: 0.5}}": "loss_weights",
        "it is an argument of the optimizer: training.optimizer.clipvalue": (
            "clip_value clipvalue clip_grad_value gradient_clip_value"
        ),
        "it is an argument of the optimizer: training.optimizer.global_clipnorm": "global_clipnorm",
        "write training.average: ema": "ema ema_decay use_ema ExponentialMovingAverage SwapEMAWeights",
        "write training.average: swa": "swa swa_start stochastic_weight_averaging",
        "it is an argument of the loss: training.loss: {CategoricalCrossentropy: {label_smoothing: 0.1}}": "label_smoothing",
        "write model.logits: true": "from_logits",
        "write training.precision: mixed_float16": "amp fp16 half mixed_precision float16",
        "write training.precision: mixed_bfloat16": "bf16 bfloat16",
        "columns: data.features: {column: number}; what layers compute in: training.precision": "dtype",
        "the loop is compiled by itself; leave it out": "run_eagerly steps_per_execution eager",
        "training.jit_compile": "xla compile_model",
        "training.devices: gpu takes the card, cpu hides it, auto takes one where there is one; --threads sets the cores": (
            "device devices gpu gpus cuda accelerator use_gpu n_gpu"
        ),
        "write training.members: 5, whose average is the run's model": "ensemble bagging n_estimators num_models ensemble_size",
        "how many cores are used is said on the command line: --threads N; fits at a time of a sweep: --jobs N": (
            "workers num_workers use_multiprocessing max_queue_size n_jobs num_parallel_calls nthreads"
        ),
        "data is held or read ahead by itself; leave it out": "prefetch cache pin_memory persistent_workers",
        "model.weights": "warm_start pretrained init_checkpoint from_checkpoint load_weights",
        "write `trainable: false` among the arguments of the layer": "freeze frozen freeze_layers requires_grad",
        "where runs are kept is said on the command line: --runs DIR": "project save_dir output_dir output_directory",
        "name": "experiment experiment_name run_name run_id",
        "each fit makes a run of its own; --run-dir DIR names it": "exist_ok",
        "`dltrain log RUN --to mlflow` hands a finished run to a tracker": "wandb mlflow report_to logger",
        # Keras: what a script does
        "`dltrain evaluate RUN` does it": "evaluate_generator test_on_batch model.evaluate",
        "`dltrain predict RUN --data FILE` gives the classes and their probabilities": (
            "predict_generator predict_classes predict_proba model.predict argmax"
        ),
        "`dltrain trace RUN --weights` writes them out; model.weights begins with others": (
            "get_weights set_weights layer.get_weights"
        ),
        "model.layers is the list of layers, from the first to the last": (
            "Sequential Functional add nn.Module combiner encoder decoder backbone base_model head model_type architecture"
        ),
        "the output layer follows from the task; model.output says otherwise": "output_layer num_classes n_classes nb_classes nc",
        "each run has history.csv and its picture; `dltrain compare RUN RUN` draws several": (
            "plot plot_history learning_curve history.history"
        ),
        "data.text, where the tokens are made by itself": "Tokenizer texts_to_sequences tokenizer TextVectorization fit_on_texts",
        "write data: {source: text_folder, path: FOLDER}": "text_dataset_from_directory",
        "data.series: its keys history, horizon and stride make the windows": "TimeseriesGenerator timeseries_dataset_from_array",
        "`dltrain predict RUN --data PICTURE` reads it as training did": "load_img img_to_array array_to_img",
        "write data: {source: mnist}, or fashion_mnist, cifar10": "load_data",
        "`dltrain evaluate RUN` and `dltrain report RUN` show it": "roc_curve precision_recall_curve cross_val_predict",
        "training.metrics, such as [accuracy, AUC]": "accuracy_score f1_score roc_auc_score log_loss",
    }
)
