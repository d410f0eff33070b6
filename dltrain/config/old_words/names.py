"""Components by the names that they have in other libraries."""

from __future__ import annotations

from collections.abc import Mapping

from dltrain.config.old_words.spread import spread_all

# Names of components that people know from elsewhere -> what Keras calls them.
KNOWN_ELSEWHERE: Mapping[str, Mapping[str, str]] = spread_all(
    {
        "layer": {
            "Dense": "fc linear lazylinear fullyconnected denselayer perceptron mlp",
            "TimeDistributed": "timedistributeddense",
            "Conv2D": "conv convolution conv2dlayer convolution2d atrousconvolution2d",
            "Conv1D": "convolution1d atrousconvolution1d",
            "Conv3D": "convolution3d",
            "Conv2DTranspose": "deconvolution2d convtranspose2d",
            "Conv3DTranspose": "deconvolution3d convtranspose3d",
            "Conv1DTranspose": "convtranspose1d",
            "DepthwiseConv2D": "depthwiseconv",
            "SeparableConv2D": "separableconv",
            "MaxPooling2D": "maxpool maxpooling",
            "AveragePooling2D": "avgpool averagepool averagepooling",
            "AdaptiveAveragePooling1D": "adaptiveavgpool1d",
            "AdaptiveAveragePooling2D": "adaptiveavgpool2d",
            "AdaptiveAveragePooling3D": "adaptiveavgpool3d",
            "AdaptiveMaxPooling1D": "adaptivemaxpool1d",
            "AdaptiveMaxPooling2D": "adaptivemaxpool2d",
            "AdaptiveMaxPooling3D": "adaptivemaxpool3d",
            "GlobalAveragePooling2D": "globalpooling globalpool globalavgpool globalavgpooling globalaveragepooling gap",
            "GlobalMaxPooling2D": "globalmaxpooling globalmaxpool",
            "BatchNormalization": "batchnorm batchnorm1d batchnorm2d batchnorm3d syncbatchnorm bn",
            "LayerNormalization": "layernorm",
            "GroupNormalization": "groupnorm",
            "RMSNormalization": "rmsnorm",
            "SpatialDropout1D": "dropout1d",
            "SpatialDropout2D": "dropout2d",
            "SpatialDropout3D": "dropout3d",
            "AlphaDropout": "alphadropout",
            "SimpleRNN": "rnn",
            "LSTM": "cudnnlstm",
            "GRU": "cudnngru",
            "Bidirectional": "bilstm bigru",
            "Embedding": "embeddinglayer",
            "Concatenate": "concat merge",
            "UpSampling2D": "upsample upsampling",
            "ZeroPadding2D": "zeropad2d zeropadding pad",
            "Reshape": "unflatten view",
            "Permute": "transpose",
            "MultiHeadAttention": "multiheadedattention selfattention",
            "RandomFlip": "flip randomhorizontalflip randomverticalflip fliplr flipud",
            "RandomRotation": "rotate rotation",
            "RandomZoom": "zoom randomresizedcrop",
            "RandomTranslation": "shift randomaffine randomshift",
            "RandomColorJitter": "colorjitter",
            "RandomBrightness": "brightness",
            "RandomContrast": "contrast",
            "RandomGaussianBlur": "gaussianblur",
            "RandomErasing": "cutout",
            "RandAugment": "randomaugment trivialaugment",
            "Normalization": "normalize",
            "Rescaling": "rescale",
            "Resizing": "resize",
        },
        "application": {
            "ResNet50": "resnet resnet18 resnet34",
            "VGG16": "vgg",
            "InceptionV3": "inception",
            "DenseNet121": "densenet",
            "MobileNetV3Small": "mobilenetsmall",
            "EfficientNetB0": "efficientnet",
            "ConvNeXtTiny": "convnext",
            "NASNetMobile": "nasnet",
        },
        "metric": {
            "RootMeanSquaredError": "rmse rootmeansquared negrootmeansquarederror",
            "MeanSquaredError": "negmeansquarederror",
            "MeanAbsoluteError": "negmeanabsoluteerror",
            "R2Score": "r2 rsquared explainedvariance",
            "F1Score": "f1 fscore",
            "FBetaScore": "fbeta",
            "AUC": "rocauc rocaucscore auroc",
            "accuracy": "accuracyscore",
            "CategoricalAccuracy": "categoricalacc",
            "Precision": "precisionscore",
            "Recall": "recallscore sensitivity truepositiverate tpr",
            "TopKCategoricalAccuracy": "topk topkaccuracy",
        },
        "loss": {
            "MeanSquaredError": "l2 l2loss mseloss squarederror quadratic rmse",
            "MeanAbsoluteError": "l1 l1loss maeloss absoluteerror",
            "BinaryCrossentropy": "bce bceloss binarycrossentropyloss",
            "Huber": "smoothl1 smoothl1loss huberloss",
            "KLDivergence": "kldivloss kld",
            "Poisson": "poissonnllloss",
            "Hinge": "hingeembeddingloss marginloss",
            "CategoricalHinge": "multimarginloss",
            "CosineSimilarity": "cosineembeddingloss cosineproximity",
            "CTC": "ctcloss",
            "Dice": "diceloss jaccard jaccardloss iou iouloss",
            "BinaryFocalCrossentropy": "binaryfocal sigmoidfocal",
            "CategoricalFocalCrossentropy": "categoricalfocal sparsecategoricalfocal softmaxfocal",
        },
        "optimizer": {
            "SGD": "momentum sgdm gradientdescent gradientdescentoptimizer momentumoptimizer stochasticgradientdescent",
            "Adam": "adamoptimizer radam",
            "AdamW": "adamw8bit",
            "RMSprop": "rmspropoptimizer",
            "Adagrad": "adagradoptimizer",
        },
        "initializer": {
            "HeNormal": "he kaiming kaimingnormal",
            "HeUniform": "kaiminguniform",
            "GlorotUniform": "glorot xavier xavieruniform",
            "GlorotNormal": "xaviernormal",
            "LecunNormal": "lecun",
            "RandomNormal": "random gaussian",
            "Zeros": "0",
            "Ones": "1",
        },
        "regularizer": {
            "L2": "ridge weightdecay activityl2",
            "L1": "lasso activityl1",
            "L1L2": "elasticnet",
        },
        "schedule": {
            "ExponentialDecay": "exponential exponentiallr",
            "CosineDecay": "cosine cosineannealing cosineannealinglr cosinelr",
            "CosineDecayRestarts": "cosineannealingwarmrestarts",
            "PiecewiseConstantDecay": "step steplr multisteplr stepdecay",
            "PolynomialDecay": "polynomial polynomiallr linear lineardecay linearlr",
            "InverseTimeDecay": "invscaling timedecay timebaseddecay",
        },
        "activation": {
            "binary_step": "step heaviside threshold",
            "sigmoid": "logistic sigm logit",
            "linear": "identity none",
            "leaky_relu": "lrelu",
            "relu": "rectifier rectifiedlinear rectify",
            "tanh": "hyperbolictangent",
            "softmax": "softmax2d",
        },
    }
)

_BY_ITSELF = "leave `loss` out: the cross-entropy that fits the task is taken by itself"
_FOCAL = (
    "write CategoricalFocalCrossentropy where a row has one of several classes, BinaryFocalCrossentropy where it has one of two"
    " or several labels"
)
_QUANTILES = "a forecast learns quantiles where `data.series.quantiles: [0.1, 0.5, 0.9]` asks for them, by the pinball loss"
# Words that stand for several components, or for none -> what is said of them.
SENTENCES: Mapping[str, Mapping[str, str]] = spread_all(
    {
        "loss": {
            _BY_ITSELF: (
                "crossentropy crossentropyloss ce xent softmaxcrossentropy softmaxcrossentropywithlogits "
                "sparsesoftmaxcrossentropywithlogits sigmoidcrossentropy sigmoidcrossentropywithlogits logistic categorical "
                "binary multiclass nll nllloss negativeloglikelihood logloss cce scce sparsecce sparsecrossentropy "
                "sparsecategorical"
            ),
            _FOCAL: "focal focalloss focalcrossentropy sparsefocal",
            _QUANTILES: "pinball pinballloss quantile quantileloss",
            "write BinaryCrossentropy: {from_logits: true}, or leave `loss` out and write model.logits: true": (
                "bcewithlogitsloss"
            ),
            "accuracy has no slope to follow; it is one of training.metrics, and a cross-entropy is the loss": "accuracy",
            "F1 has no slope to follow; it is one of training.metrics, and a cross-entropy is the loss": "f1",
        },
        "metric": {
            "the loss is always computed; leave it out": "loss",
            "the loss of classes is their log loss, and always computed; leave it out": "logloss",
            "the loss of classes is their cross-entropy, and always computed; leave it out": "crossentropy",
            "write accuracy, which is 1 - the share of errors": "error errorrate",
            "write F1Score: {average: macro}": "f1macro macrof1",
            "write F1Score: {average: micro}": "f1micro",
            "write F1Score: {average: weighted}": "f1weighted weightedf1",
            "write AUC: {curve: PR}": "averageprecision averageprecisionscore ap auprc prauc aucpr",
            "write TopKCategoricalAccuracy: {k: 5}": "top5 top5accuracy",
            "write TopKCategoricalAccuracy: {k: 3}": "top3accuracy",
            "it is the recall of the other class; `dltrain evaluate` prints that of each": "specificity truenegativerate",
            "it is the mean recall; `dltrain evaluate` prints the recall of each class": "balancedaccuracy balancedaccuracyscore",
            "write MeanAbsoluteError; there is none of the median": "medianabsoluteerror",
            "of yes and no write BinaryIoU": "jaccardscore jaccard iou",
            "there is none; F1Score is near to it for rare classes": "matthewscorrcoef mcc cohenkappa cohenkappascore kappa",
        },
        "optimizer": {
            "it takes all rows at once, which is not offered; write Adam": "lbfgs bfgs newton rprop conjugategradient",
        },
        "layer": {
            "it is built of MultiHeadAttention, Add (`from: [a, b]`), LayerNormalization and Dense": (
                "transformer transformerencoder transformerdecoder transformerencoderlayer"
            ),
            "networks of language are no layers here; write Embedding, with data.text.vectors for trained vectors": (
                "bert gpt2 distilbert tfidfvectorizer"
            ),
            "Keras has none any more; it is built of Dense, Multiply and Add": "highway",
            "Keras has none any more; it is built of several Dense and Maximum": "maxoutdense",
            "a config holds no code; write the step with Keras's own layers": "lambdalayer",
        },
    }
)
