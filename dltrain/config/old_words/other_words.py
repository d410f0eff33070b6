"""Words of other libraries that mean what none of Keras does and are no keys of a config, and how a config says it."""

from __future__ import annotations

from collections.abc import Mapping

from dltrain.config.old_words.keras_words import AUGMENT
from dltrain.config.old_words.spread import spread

# Words of scikit-learn, pandas, PyTorch, Ludwig and YOLO that are no keys here -> how the same is said.
WORDS_OF_OTHERS: Mapping[str, str] = spread(
    {
        # scikit-learn
        "data.split.group": "GroupKFold GroupShuffleSplit groups group_by group_column",
        "data.split.time": "TimeSeriesSplit split_by_time time_split",
        "a `sweep:` block names what varies, and `dltrain sweep CONFIG` runs it": (
            "GridSearchCV RandomizedSearchCV HalvingGridSearchCV hyperopt hyperparameters tuner tune grid_search"
        ),
        "sweep.parameters": "param_grid param_distributions search_space",
        "write data.encode: {column: embedding}": "OrdinalEncoder ordinal",
        "data.impute": "SimpleImputer imputer imputation fillna fill_missing fill_value",
        "data.missing_target says what becomes of rows without a target, data.impute of other gaps": (
            "dropna drop_na missing_value_strategy"
        ),
        "write data.scale: robust": "RobustScaler",
        "write data.scale: quantile": "QuantileTransformer",
        "data.scale": (
            "normalize normalise normalization scaling scaler standardization featurewise_center "
            "featurewise_std_normalization samplewise_center"
        ),
        "data.transform": "Pipeline ColumnTransformer make_pipeline FunctionTransformer PolynomialFeatures PCA",
        "each is a layer: model.layers: [{Dense: {units: 100, activation: relu}}]": (
            "hidden_layer_sizes hidden_layers hidden_units units neurons"
        ),
        "it is an argument of a layer: model.layers: [{Dense: {units: 100, activation: relu}}]": "activation activations",
        "it is a layer of its own: model.layers: [{Dropout: {rate: 0.5}}]": "dropout dropout_rate",
        "it is a layer of its own: model.layers: [BatchNormalization]": "batch_norm batch_normalization use_bn",
        "it is an argument of a layer: model.layers: [{Dense: {units: 100, kernel_regularizer: {L2: {l2: 0.01}}}}]": (
            "l2 l1 alpha regularization l2_regularization kernel_regularizer reg"
        ),
        "model.layers: [] is a linear model, [{Dense: {units: 100, activation: relu}}] one with a hidden layer": (
            "MLPClassifier MLPRegressor LogisticRegression LinearRegression Perceptron"
        ),
        "dltrain trains networks; evaluation.baselines: [boosting] shows scikit-learn's trees beside one": (
            "RandomForestClassifier RandomForestRegressor GradientBoostingClassifier XGBClassifier xgboost "
            "KNeighborsClassifier max_depth random_forest"
        ),
        "data.text makes tokens; GlobalAveragePooling1D over an Embedding is near to a bag of words": (
            "TfidfVectorizer CountVectorizer HashingVectorizer"
        ),
        # pandas
        "data.decimal": "decimal_separator decimal_sign",
        "data.thousands": "thousands_separator thousand",
        "data.quote": "quotechar quoting",
        "data.limit": "nrows n_rows max_rows sample frac fraction sample_size sampling subsample_ratio",
        "data.columns": "names column_names colnames header_names",
        "data.identifiers": "index_col index_column id_column row_id index",
        "write data.features: {column: category}": (
            "categorical categorical_features categorical_columns cat_features cat_cols categoricals"
        ),
        "write data.features: {column: number}": (
            "numerical numeric numeric_features numerical_features numerical_columns num_cols continuous"
        ),
        "write data.features: {column: text}": "text_features text_column text_columns",
        "write data.features: {column: image}": "image_column image_columns x_col",
        "write data.features: {column: date}; data.series.time and data.split.time take one too": (
            "date_column date_columns datetime_column"
        ),
        "data.drop": "exclude ignore drop_columns ignored_columns drop_cols exclude_columns",
        "data.task": "problem_type task_type problem ml_task",
        "found out by itself; leave it out": (
            "converters na_filter low_memory compression chunksize chunk_size iterator extensions follow_links save_to_dir "
            "allow_links"
        ),
        "repeated rows are kept; `dltrain check --data` counts them": "drop_duplicates",
        "write training.class_weight: balanced": "oversample undersample smote oversampling balance_classes class_balance",
        "data.source": "dataset datasets dataset_name",
        "data.path": (
            "file filename file_name csv csv_path data_path url dir directory data_dir root folder train_path train_file "
            "train_dir train_data_dir training_set train_csv filepath_or_buffer"
        ),
        "one config holds all parts; data.split says their shares": "subset",
        # Windows of time
        "data.series.horizon": "forecast_horizon prediction_length label_width n_ahead forecast_length horizon_length",
        "data.series.offset": "shift delay lead_time",
        "data.series.sampling": "sampling_rate sample_rate",
        "data.series.stride": "sequence_stride",
        "data.series.time": "time_column timestamp datetime ds time_col",
        "data.series.id": "item_id unique_id series_id entity",
        "the time between rows is found out; data.series.season says after how many things repeat": "freq frequency",
        # Pictures: more
        "the names of the classes are those of the folders, or the values of the target": "class_names label_names",
        "write data.scale: standard, which takes both from the training part": "mean std",
        "data.augment": "augmentation data_augmentation augmentations transforms",
        AUGMENT.format(layer="{RandomTranslation: {height_factor: 0.1, width_factor: 0.1}}"): "translate",
        AUGMENT.format(layer="{RandomShear: {x_factor: 0.1}}"): "shear_range",
        AUGMENT.format(layer="{RandomColorJitter: {brightness_factor: 0.1}}"): "channel_shift_range",
        AUGMENT.format(layer="{RandomHue: {factor: 0.1}}"): "hsv_h hsv_s hsv_v",
        AUGMENT.format(layer="MixUp"): "mixup",
        AUGMENT.format(layer="CutMix"): "cutmix",
        AUGMENT.format(layer="{RandomErasing: {factor: 0.5}}"): "erasing",
        "it is an argument of the layers of data.augment": "fill_mode",
        "there is none; data.augment takes Keras's random layers": "mosaic close_mosaic copy_paste zca_whitening",
        # Ludwig and others
        "data.scale, data.impute, data.encode and data.text say it": "preprocessing defaults",
        "training.early_stopping, Dropout layers and kernel_regularizer work against it": "overfitting",
        "save the table as CSV or Parquet: data: {source: csv, path: TABLE.csv}": "excel xlsx sql json",
        "write data.series: {time: COLUMN, history: 24, horizon: 1}": "forecasting",
        "one fit uses one machine; `dltrain sweep --jobs N` runs several fits": "backend distribute distributed",
        "each run records the version of dltrain that made it": "version",
    }
)
