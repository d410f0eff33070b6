"""Words of other libraries that are no keys of a config, and how a config says what they mean."""

from __future__ import annotations

from collections.abc import Mapping

from dltrain.config.old_words.keras_words import AUGMENT

# Words of scikit-learn, pandas, PyTorch, Ludwig and YOLO that are no keys here -> how the same is said.
WORDS_OF_OTHERS: Mapping[str, str] = {
    # scikit-learn
    **dict.fromkeys(
        ("cross_val_score", "cross_validate", "KFold", "StratifiedKFold", "n_folds", "num_folds", "fold_count"),
        "data.split.folds",
    ),
    **dict.fromkeys(("GroupKFold", "GroupShuffleSplit", "groups", "group_by", "group_column"), "data.split.group"),
    **dict.fromkeys(("TimeSeriesSplit", "split_by_time", "time_split"), "data.split.time"),
    **dict.fromkeys(
        ("GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV"),
        "a `sweep:` block names what varies, and `dltrain sweep CONFIG` runs it",
    ),
    **dict.fromkeys(("param_grid", "param_distributions", "search_space"), "sweep.parameters"),
    **dict.fromkeys(
        ("OneHotEncoder", "get_dummies", "onehot", "dummies"), "categories are by default; data.encode: {column: one_hot}"
    ),
    **dict.fromkeys(
        ("LabelEncoder", "label_encoder", "LabelBinarizer"),
        "targets are encoded as the loss needs them; name the column in data.target",
    ),
    **dict.fromkeys(("OrdinalEncoder", "ordinal"), "write data.encode: {column: embedding}"),
    **dict.fromkeys(("SimpleImputer", "imputer", "imputation", "fillna", "fill_missing", "fill_value"), "data.impute"),
    **dict.fromkeys(
        ("dropna", "drop_na", "missing_value_strategy"),
        "data.missing_target says what becomes of rows without a target, data.impute of other gaps",
    ),
    **dict.fromkeys(("RobustScaler",), "write data.scale: robust"),
    **dict.fromkeys(("QuantileTransformer",), "write data.scale: quantile"),
    **dict.fromkeys(
        (
            "normalize",
            "normalise",
            "normalization",
            "scaling",
            "scaler",
            "standardization",
            "featurewise_center",
            "featurewise_std_normalization",
            "samplewise_center",
        ),
        "data.scale",
    ),
    **dict.fromkeys(
        ("Pipeline", "ColumnTransformer", "make_pipeline", "FunctionTransformer", "PolynomialFeatures", "PCA"), "data.transform"
    ),
    "hidden_layer_sizes": "each is a layer: model.layers: [{Dense: {units: 100, activation: relu}}]",
    **dict.fromkeys(
        ("hidden_layers", "hidden_units", "units", "neurons"),
        "each is a layer: model.layers: [{Dense: {units: 100, activation: relu}}]",
    ),
    **dict.fromkeys(
        ("activation", "activations"), "it is an argument of a layer: model.layers: [{Dense: {units: 100, activation: relu}}]"
    ),
    **dict.fromkeys(("dropout", "dropout_rate"), "it is a layer of its own: model.layers: [{Dropout: {rate: 0.5}}]"),
    **dict.fromkeys(
        ("batch_norm", "batch_normalization", "use_bn"), "it is a layer of its own: model.layers: [BatchNormalization]"
    ),
    **dict.fromkeys(
        ("l2", "l1", "alpha", "regularization", "l2_regularization", "kernel_regularizer", "reg"),
        "it is an argument of a layer: model.layers: [{Dense: {units: 100, kernel_regularizer: {L2: {l2: 0.01}}}}]",
    ),
    **dict.fromkeys(
        ("MLPClassifier", "MLPRegressor", "LogisticRegression", "LinearRegression", "Perceptron"),
        "model.layers: [] is a linear model, [{Dense: {units: 100, activation: relu}}] one with a hidden layer",
    ),
    **dict.fromkeys(
        (
            "RandomForestClassifier",
            "RandomForestRegressor",
            "GradientBoostingClassifier",
            "XGBClassifier",
            "xgboost",
            "KNeighborsClassifier",
            "n_estimators",
            "max_depth",
            "random_forest",
        ),
        "dltrain trains networks; evaluation.baselines: [boosting] shows scikit-learn's trees beside one",
    ),
    **dict.fromkeys(
        ("TfidfVectorizer", "CountVectorizer", "HashingVectorizer"),
        "data.text makes tokens; GlobalAveragePooling1D over an Embedding is near to a bag of words",
    ),
    # pandas
    **dict.fromkeys(("decimal_separator", "decimal_sign"), "data.decimal"),
    **dict.fromkeys(("thousands_separator", "thousand"), "data.thousands"),
    **dict.fromkeys(("quotechar", "quoting"), "data.quote"),
    **dict.fromkeys(("skip_rows", "skip_lines", "skipheader"), "data.skip"),
    **dict.fromkeys(
        ("nrows", "n_rows", "max_rows", "sample", "frac", "fraction", "sample_size", "sampling", "subsample_ratio"), "data.limit"
    ),
    **dict.fromkeys(("na", "nan", "null", "nulls", "missing_values", "null_values", "missing_value"), "data.missing"),
    **dict.fromkeys(("dayfirst", "date_format", "date_parser", "datetime_format"), "data.dates"),
    **dict.fromkeys(("names", "column_names", "colnames", "header_names"), "data.columns"),
    **dict.fromkeys(("index_col", "index_column", "id_column", "row_id", "index"), "data.identifiers"),
    **dict.fromkeys(
        ("categorical", "categorical_features", "categorical_columns", "cat_features", "cat_cols", "categoricals"),
        "write data.features: {column: category}",
    ),
    **dict.fromkeys(
        ("numerical", "numeric", "numeric_features", "numerical_features", "numerical_columns", "num_cols", "continuous"),
        "write data.features: {column: number}",
    ),
    **dict.fromkeys(("text_features", "text_column", "text_columns"), "write data.features: {column: text}"),
    **dict.fromkeys(("image_column", "image_columns", "x_col"), "write data.features: {column: image}"),
    **dict.fromkeys(
        ("date_column", "date_columns", "datetime_column"),
        "write data.features: {column: date}; data.series.time and data.split.time take one too",
    ),
    **dict.fromkeys(
        ("feature_columns", "input_features", "input_columns", "predictors", "inputs_columns", "feature_names"), "data.features"
    ),
    **dict.fromkeys(
        (
            "labels_column",
            "label_column",
            "target_column",
            "target_name",
            "class_column",
            "outcome",
            "response",
            "dependent",
            "y_col",
            "output_features",
            "targets",
            "y_column",
            "class",
        ),
        "data.target",
    ),
    **dict.fromkeys(("exclude", "ignore", "drop_columns", "ignored_columns", "drop_cols", "exclude_columns"), "data.drop"),
    **dict.fromkeys(("problem_type", "task_type", "problem", "ml_task"), "data.task"),
    **dict.fromkeys(
        ("converters", "na_filter", "low_memory", "compression", "chunksize", "chunk_size", "iterator"),
        "found out by itself; leave it out",
    ),
    "drop_duplicates": "repeated rows are kept; `dltrain check --data` counts them",
    **dict.fromkeys(
        ("oversample", "undersample", "smote", "oversampling", "balance_classes", "class_balance"),
        "write training.class_weight: balanced",
    ),
    **dict.fromkeys(("dataset", "datasets", "dataset_name"), "data.source"),
    **dict.fromkeys(
        (
            "file",
            "filename",
            "file_name",
            "csv",
            "csv_path",
            "data_path",
            "url",
            "dir",
            "directory",
            "data_dir",
            "root",
            "folder",
            "train_path",
            "train_file",
            "train_dir",
            "train_data_dir",
            "training_set",
            "train_csv",
            "filepath_or_buffer",
        ),
        "data.path",
    ),
    **dict.fromkeys(
        ("val_path", "val_file", "val_dir", "valid_dir", "validation_dir", "validation_set", "validation_path", "dev"),
        "data.validation",
    ),
    **dict.fromkeys(("test_path", "test_file", "test_dir", "test_set", "test_csv"), "data.test"),
    **dict.fromkeys(("test_ratio", "test_fraction", "holdout", "holdout_size"), "data.split.test"),
    **dict.fromkeys(
        ("val_ratio", "validation_ratio", "validation_fraction", "val_fraction", "valid_size", "dev_size"),
        "data.split.validation",
    ),
    **dict.fromkeys(
        ("train_split", "train_ratio", "train_fraction", "probabilities"),
        "the training part is what data.split.test and data.split.validation leave",
    ),
    "subset": "one config holds all parts; data.split says their shares",
    # Windows of time
    **dict.fromkeys(
        (
            "lags",
            "n_lags",
            "history_size",
            "input_width",
            "n_steps",
            "seq_length",
            "context_length",
            "time_steps",
            "window_length",
        ),
        "data.series.history",
    ),
    **dict.fromkeys(
        ("forecast_horizon", "prediction_length", "label_width", "n_ahead", "forecast_length", "horizon_length"),
        "data.series.horizon",
    ),
    **dict.fromkeys(("shift", "delay", "lead_time"), "data.series.offset"),
    **dict.fromkeys(("sampling_rate", "sample_rate"), "data.series.sampling"),
    "sequence_stride": "data.series.stride",
    **dict.fromkeys(("time_column", "timestamp", "datetime", "ds", "time_col"), "data.series.time"),
    **dict.fromkeys(("item_id", "unique_id", "series_id", "entity"), "data.series.id"),
    **dict.fromkeys(
        ("freq", "frequency"), "the time between rows is found out; data.series.season says after how many things repeat"
    ),
    # Pictures: more
    **dict.fromkeys(
        ("imgsz", "image_shape", "picture_size", "input_size", "img_shape"), "write data.image_size: [height, width]"
    ),
    **dict.fromkeys(
        ("image_height", "img_height", "image_width", "img_width", "img_rows", "img_cols", "height", "width"),
        "write data.image_size: [height, width]",
    ),
    **dict.fromkeys(("channels", "num_channels", "n_channels", "img_channels", "color_channels"), "data.color"),
    **dict.fromkeys(
        ("class_names", "label_names"), "the names of the classes are those of the folders, or the values of the target"
    ),
    **dict.fromkeys(("mean", "std"), "write data.scale: standard, which takes both from the training part"),
    **dict.fromkeys(("augmentation", "data_augmentation", "augmentations", "transforms"), "data.augment"),
    "fliplr": AUGMENT.format(layer="{RandomFlip: {mode: horizontal}}"),
    "flipud": AUGMENT.format(layer="{RandomFlip: {mode: vertical}}"),
    "degrees": AUGMENT.format(layer="{RandomRotation: {factor: 0.1}}") + ", in turns of 360 degrees",
    "translate": AUGMENT.format(layer="{RandomTranslation: {height_factor: 0.1, width_factor: 0.1}}"),
    "shear_range": AUGMENT.format(layer="{RandomShear: {x_factor: 0.1}}"),
    "channel_shift_range": AUGMENT.format(layer="{RandomColorJitter: {brightness_factor: 0.1}}"),
    **dict.fromkeys(("hsv_h", "hsv_s", "hsv_v"), AUGMENT.format(layer="{RandomHue: {factor: 0.1}}")),
    "mixup": AUGMENT.format(layer="MixUp"),
    "cutmix": AUGMENT.format(layer="CutMix"),
    "erasing": AUGMENT.format(layer="{RandomErasing: {factor: 0.5}}"),
    "fill_mode": "it is an argument of the layers of data.augment",
    **dict.fromkeys(
        ("mosaic", "close_mosaic", "copy_paste", "zca_whitening"), "there is none; data.augment takes Keras's random layers"
    ),
    **dict.fromkeys(("extensions", "follow_links", "save_to_dir", "allow_links"), "found out by itself; leave it out"),
    # Ludwig and others
    **dict.fromkeys(
        ("hyperopt", "hyperparameters", "tuner", "tune", "grid_search"),
        "a `sweep:` block names what varies, and `dltrain sweep CONFIG` runs it",
    ),
    **dict.fromkeys(
        ("combiner", "encoder", "decoder", "backbone", "base_model", "head", "model_type", "architecture"),
        "model.layers is the list of layers, from the first to the last",
    ),
    **dict.fromkeys(("preprocessing", "defaults"), "data.scale, data.impute, data.encode and data.text say it"),
    "overfitting": "training.early_stopping, Dropout layers and kernel_regularizer work against it",
    **dict.fromkeys(
        ("excel", "xlsx", "sql", "json"),
        "save the table as CSV or Parquet: data: {source: csv, path: TABLE.csv}",
    ),
    "forecasting": "write data.series: {time: COLUMN, history: 24, horizon: 1}",
    **dict.fromkeys(
        ("backend", "distribute", "distributed"), "one fit uses one machine; `dltrain sweep --jobs N` runs several fits"
    ),
    "version": "each run records the version of dltrain that made it",
}
