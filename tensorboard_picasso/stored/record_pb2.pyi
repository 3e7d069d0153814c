from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KIND_UNKNOWN: _ClassVar[Kind]
    SCORES: _ClassVar[Kind]
    METHOD: _ClassVar[Kind]
    MAP: _ClassVar[Kind]
    INPUT: _ClassVar[Kind]
    MEAN: _ClassVar[Kind]
    EDITS: _ClassVar[Kind]
    EXAMPLE: _ClassVar[Kind]
    ALL_SCORES: _ClassVar[Kind]
    GROUP_MEAN: _ClassVar[Kind]

class Output(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTPUT_UNKNOWN: _ClassVar[Output]
    LOGITS: _ClassVar[Output]
    PROBABILITIES: _ClassVar[Output]
    SIGMOID: _ClassVar[Output]
    RAW: _ClassVar[Output]

class Sign(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SIGN_UNKNOWN: _ClassVar[Sign]
    UNSIGNED: _ClassVar[Sign]
    DIRECTION: _ClassVar[Sign]
    CONTRIBUTION: _ClassVar[Sign]

class Precision(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRECISION_UNKNOWN: _ClassVar[Precision]
    Q8: _ClassVar[Precision]
    FLOAT16: _ClassVar[Precision]
    FLOAT32: _ClassVar[Precision]
KIND_UNKNOWN: Kind
SCORES: Kind
METHOD: Kind
MAP: Kind
INPUT: Kind
MEAN: Kind
EDITS: Kind
EXAMPLE: Kind
ALL_SCORES: Kind
GROUP_MEAN: Kind
OUTPUT_UNKNOWN: Output
LOGITS: Output
PROBABILITIES: Output
SIGMOID: Output
RAW: Output
SIGN_UNKNOWN: Sign
UNSIGNED: Sign
DIRECTION: Sign
CONTRIBUTION: Sign
PRECISION_UNKNOWN: Precision
Q8: Precision
FLOAT16: Precision
FLOAT32: Precision

class Series(_message.Message):
    __slots__ = ("version", "probe", "image", "kind", "method", "label", "group", "group_name")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PROBE_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    GROUP_NAME_FIELD_NUMBER: _ClassVar[int]
    version: int
    probe: str
    image: int
    kind: Kind
    method: str
    label: str
    group: int
    group_name: str
    def __init__(self, version: _Optional[int] = ..., probe: _Optional[str] = ..., image: _Optional[int] = ..., kind: _Optional[_Union[Kind, str]] = ..., method: _Optional[str] = ..., label: _Optional[str] = ..., group: _Optional[int] = ..., group_name: _Optional[str] = ...) -> None: ...

class Sealed(_message.Message):
    __slots__ = ("version", "crc32", "payload")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CRC32_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    version: int
    crc32: int
    payload: bytes
    def __init__(self, version: _Optional[int] = ..., crc32: _Optional[int] = ..., payload: _Optional[bytes] = ...) -> None: ...

class Scores(_message.Message):
    __slots__ = ("output", "class_count", "classes", "values", "hidden", "input_hash", "epoch", "targets", "lasting", "dropped", "value_name", "independent", "nth", "since", "superseded")
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    CLASS_COUNT_FIELD_NUMBER: _ClassVar[int]
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    INPUT_HASH_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    LASTING_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    VALUE_NAME_FIELD_NUMBER: _ClassVar[int]
    INDEPENDENT_FIELD_NUMBER: _ClassVar[int]
    NTH_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    SUPERSEDED_FIELD_NUMBER: _ClassVar[int]
    output: Output
    class_count: int
    classes: _containers.RepeatedScalarFieldContainer[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    hidden: _containers.RepeatedCompositeFieldContainer[Hidden]
    input_hash: bytes
    epoch: float
    targets: _containers.RepeatedScalarFieldContainer[int]
    lasting: _containers.RepeatedScalarFieldContainer[int]
    dropped: _containers.RepeatedScalarFieldContainer[int]
    value_name: str
    independent: bool
    nth: int
    since: int
    superseded: int
    def __init__(self, output: _Optional[_Union[Output, str]] = ..., class_count: _Optional[int] = ..., classes: _Optional[_Iterable[int]] = ..., values: _Optional[_Iterable[float]] = ..., hidden: _Optional[_Iterable[_Union[Hidden, _Mapping]]] = ..., input_hash: _Optional[bytes] = ..., epoch: _Optional[float] = ..., targets: _Optional[_Iterable[int]] = ..., lasting: _Optional[_Iterable[int]] = ..., dropped: _Optional[_Iterable[int]] = ..., value_name: _Optional[str] = ..., independent: bool = ..., nth: _Optional[int] = ..., since: _Optional[int] = ..., superseded: _Optional[int] = ...) -> None: ...

class Hidden(_message.Message):
    __slots__ = ("region", "fill", "values", "moves", "flips", "predicted")
    REGION_FIELD_NUMBER: _ClassVar[int]
    FILL_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    MOVES_FIELD_NUMBER: _ClassVar[int]
    FLIPS_FIELD_NUMBER: _ClassVar[int]
    PREDICTED_FIELD_NUMBER: _ClassVar[int]
    region: str
    fill: str
    values: _containers.RepeatedScalarFieldContainer[float]
    moves: float
    flips: bool
    predicted: int
    def __init__(self, region: _Optional[str] = ..., fill: _Optional[str] = ..., values: _Optional[_Iterable[float]] = ..., moves: _Optional[float] = ..., flips: bool = ..., predicted: _Optional[int] = ...) -> None: ...

class AllScores(_message.Message):
    __slots__ = ("output", "value_name", "independent", "epoch", "layouts", "images", "values", "moves", "predicted", "flips", "nth", "since", "superseded")
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    VALUE_NAME_FIELD_NUMBER: _ClassVar[int]
    INDEPENDENT_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    LAYOUTS_FIELD_NUMBER: _ClassVar[int]
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    MOVES_FIELD_NUMBER: _ClassVar[int]
    PREDICTED_FIELD_NUMBER: _ClassVar[int]
    FLIPS_FIELD_NUMBER: _ClassVar[int]
    NTH_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    SUPERSEDED_FIELD_NUMBER: _ClassVar[int]
    output: Output
    value_name: str
    independent: bool
    epoch: float
    layouts: _containers.RepeatedCompositeFieldContainer[Layout]
    images: _containers.RepeatedCompositeFieldContainer[ScoredImage]
    values: bytes
    moves: bytes
    predicted: bytes
    flips: bytes
    nth: int
    since: int
    superseded: int
    def __init__(self, output: _Optional[_Union[Output, str]] = ..., value_name: _Optional[str] = ..., independent: bool = ..., epoch: _Optional[float] = ..., layouts: _Optional[_Iterable[_Union[Layout, _Mapping]]] = ..., images: _Optional[_Iterable[_Union[ScoredImage, _Mapping]]] = ..., values: _Optional[bytes] = ..., moves: _Optional[bytes] = ..., predicted: _Optional[bytes] = ..., flips: _Optional[bytes] = ..., nth: _Optional[int] = ..., since: _Optional[int] = ..., superseded: _Optional[int] = ...) -> None: ...

class Layout(_message.Message):
    __slots__ = ("class_count", "classes", "hidden")
    CLASS_COUNT_FIELD_NUMBER: _ClassVar[int]
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    class_count: int
    classes: _containers.RepeatedScalarFieldContainer[int]
    hidden: _containers.RepeatedCompositeFieldContainer[HiddenRegion]
    def __init__(self, class_count: _Optional[int] = ..., classes: _Optional[_Iterable[int]] = ..., hidden: _Optional[_Iterable[_Union[HiddenRegion, _Mapping]]] = ...) -> None: ...

class HiddenRegion(_message.Message):
    __slots__ = ("region", "fill")
    REGION_FIELD_NUMBER: _ClassVar[int]
    FILL_FIELD_NUMBER: _ClassVar[int]
    region: str
    fill: str
    def __init__(self, region: _Optional[str] = ..., fill: _Optional[str] = ...) -> None: ...

class ScoredImage(_message.Message):
    __slots__ = ("image", "layout", "input_hash", "targets", "lasting", "dropped")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    LAYOUT_FIELD_NUMBER: _ClassVar[int]
    INPUT_HASH_FIELD_NUMBER: _ClassVar[int]
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    LASTING_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    image: int
    layout: int
    input_hash: bytes
    targets: _containers.RepeatedScalarFieldContainer[int]
    lasting: _containers.RepeatedScalarFieldContainer[int]
    dropped: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, image: _Optional[int] = ..., layout: _Optional[int] = ..., input_hash: _Optional[bytes] = ..., targets: _Optional[_Iterable[int]] = ..., lasting: _Optional[_Iterable[int]] = ..., dropped: _Optional[_Iterable[int]] = ...) -> None: ...

class Method(_message.Message):
    __slots__ = ("method", "label", "sign", "unit", "score", "layer", "seed", "parameters", "input_hash", "output", "height", "width", "regions", "targets", "grid", "precision", "second_seed", "segments", "depth")
    class ParametersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    METHOD_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    SIGN_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    INPUT_HASH_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    REGIONS_FIELD_NUMBER: _ClassVar[int]
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    GRID_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    SECOND_SEED_FIELD_NUMBER: _ClassVar[int]
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    method: str
    label: str
    sign: Sign
    unit: str
    score: str
    layer: str
    seed: int
    parameters: _containers.ScalarMap[str, str]
    input_hash: bytes
    output: Output
    height: int
    width: int
    regions: _containers.RepeatedCompositeFieldContainer[Region]
    targets: _containers.RepeatedCompositeFieldContainer[Target]
    grid: Grid
    precision: Precision
    second_seed: int
    segments: Segments
    depth: int
    def __init__(self, method: _Optional[str] = ..., label: _Optional[str] = ..., sign: _Optional[_Union[Sign, str]] = ..., unit: _Optional[str] = ..., score: _Optional[str] = ..., layer: _Optional[str] = ..., seed: _Optional[int] = ..., parameters: _Optional[_Mapping[str, str]] = ..., input_hash: _Optional[bytes] = ..., output: _Optional[_Union[Output, str]] = ..., height: _Optional[int] = ..., width: _Optional[int] = ..., regions: _Optional[_Iterable[_Union[Region, _Mapping]]] = ..., targets: _Optional[_Iterable[_Union[Target, _Mapping]]] = ..., grid: _Optional[_Union[Grid, _Mapping]] = ..., precision: _Optional[_Union[Precision, str]] = ..., second_seed: _Optional[int] = ..., segments: _Optional[_Union[Segments, _Mapping]] = ..., depth: _Optional[int] = ...) -> None: ...

class Region(_message.Message):
    __slots__ = ("name", "area", "ceiling", "tolerance", "chance_pointing", "chance_iou")
    NAME_FIELD_NUMBER: _ClassVar[int]
    AREA_FIELD_NUMBER: _ClassVar[int]
    CEILING_FIELD_NUMBER: _ClassVar[int]
    TOLERANCE_FIELD_NUMBER: _ClassVar[int]
    CHANCE_POINTING_FIELD_NUMBER: _ClassVar[int]
    CHANCE_IOU_FIELD_NUMBER: _ClassVar[int]
    name: str
    area: float
    ceiling: float
    tolerance: float
    chance_pointing: float
    chance_iou: float
    def __init__(self, name: _Optional[str] = ..., area: _Optional[float] = ..., ceiling: _Optional[float] = ..., tolerance: _Optional[float] = ..., chance_pointing: _Optional[float] = ..., chance_iou: _Optional[float] = ...) -> None: ...

class Target(_message.Message):
    __slots__ = ("index", "whole", "statistics", "agreement", "second")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    WHOLE_FIELD_NUMBER: _ClassVar[int]
    STATISTICS_FIELD_NUMBER: _ClassVar[int]
    AGREEMENT_FIELD_NUMBER: _ClassVar[int]
    SECOND_FIELD_NUMBER: _ClassVar[int]
    index: int
    whole: float
    statistics: Statistics
    agreement: float
    second: Statistics
    def __init__(self, index: _Optional[int] = ..., whole: _Optional[float] = ..., statistics: _Optional[_Union[Statistics, _Mapping]] = ..., agreement: _Optional[float] = ..., second: _Optional[_Union[Statistics, _Mapping]] = ...) -> None: ...

class Statistics(_message.Message):
    __slots__ = ("minimum", "maximum", "positive", "negative", "p50", "p99", "p999", "nan", "infinite", "count", "shares", "pointing", "iou")
    MINIMUM_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    POSITIVE_FIELD_NUMBER: _ClassVar[int]
    NEGATIVE_FIELD_NUMBER: _ClassVar[int]
    P50_FIELD_NUMBER: _ClassVar[int]
    P99_FIELD_NUMBER: _ClassVar[int]
    P999_FIELD_NUMBER: _ClassVar[int]
    NAN_FIELD_NUMBER: _ClassVar[int]
    INFINITE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SHARES_FIELD_NUMBER: _ClassVar[int]
    POINTING_FIELD_NUMBER: _ClassVar[int]
    IOU_FIELD_NUMBER: _ClassVar[int]
    minimum: float
    maximum: float
    positive: float
    negative: float
    p50: float
    p99: float
    p999: float
    nan: int
    infinite: int
    count: int
    shares: _containers.RepeatedCompositeFieldContainer[Share]
    pointing: _containers.RepeatedScalarFieldContainer[float]
    iou: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, minimum: _Optional[float] = ..., maximum: _Optional[float] = ..., positive: _Optional[float] = ..., negative: _Optional[float] = ..., p50: _Optional[float] = ..., p99: _Optional[float] = ..., p999: _Optional[float] = ..., nan: _Optional[int] = ..., infinite: _Optional[int] = ..., count: _Optional[int] = ..., shares: _Optional[_Iterable[_Union[Share, _Mapping]]] = ..., pointing: _Optional[_Iterable[float]] = ..., iou: _Optional[_Iterable[float]] = ...) -> None: ...

class Share(_message.Message):
    __slots__ = ("positive", "negative", "absolute")
    POSITIVE_FIELD_NUMBER: _ClassVar[int]
    NEGATIVE_FIELD_NUMBER: _ClassVar[int]
    ABSOLUTE_FIELD_NUMBER: _ClassVar[int]
    positive: float
    negative: float
    absolute: float
    def __init__(self, positive: _Optional[float] = ..., negative: _Optional[float] = ..., absolute: _Optional[float] = ...) -> None: ...

class Grid(_message.Message):
    __slots__ = ("window_height", "window_width", "tops", "lefts", "classes", "whole", "values", "distances", "window_depth", "fronts")
    WINDOW_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    WINDOW_WIDTH_FIELD_NUMBER: _ClassVar[int]
    TOPS_FIELD_NUMBER: _ClassVar[int]
    LEFTS_FIELD_NUMBER: _ClassVar[int]
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    WHOLE_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    DISTANCES_FIELD_NUMBER: _ClassVar[int]
    WINDOW_DEPTH_FIELD_NUMBER: _ClassVar[int]
    FRONTS_FIELD_NUMBER: _ClassVar[int]
    window_height: int
    window_width: int
    tops: _containers.RepeatedScalarFieldContainer[int]
    lefts: _containers.RepeatedScalarFieldContainer[int]
    classes: _containers.RepeatedScalarFieldContainer[int]
    whole: _containers.RepeatedScalarFieldContainer[float]
    values: bytes
    distances: bytes
    window_depth: int
    fronts: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, window_height: _Optional[int] = ..., window_width: _Optional[int] = ..., tops: _Optional[_Iterable[int]] = ..., lefts: _Optional[_Iterable[int]] = ..., classes: _Optional[_Iterable[int]] = ..., whole: _Optional[_Iterable[float]] = ..., values: _Optional[bytes] = ..., distances: _Optional[bytes] = ..., window_depth: _Optional[int] = ..., fronts: _Optional[_Iterable[int]] = ...) -> None: ...

class Segments(_message.Message):
    __slots__ = ("count", "labels", "classes", "whole", "distances")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    WHOLE_FIELD_NUMBER: _ClassVar[int]
    DISTANCES_FIELD_NUMBER: _ClassVar[int]
    count: int
    labels: bytes
    classes: _containers.RepeatedScalarFieldContainer[int]
    whole: _containers.RepeatedScalarFieldContainer[float]
    distances: bytes
    def __init__(self, count: _Optional[int] = ..., labels: _Optional[bytes] = ..., classes: _Optional[_Iterable[int]] = ..., whole: _Optional[_Iterable[float]] = ..., distances: _Optional[bytes] = ...) -> None: ...

class Mean(_message.Message):
    __slots__ = ("method", "label", "sign", "unit", "output", "parameters", "height", "width", "members", "labelled", "window_height", "window_width", "tops", "lefts", "means", "errors", "counts", "regions", "statistics", "segment_count", "labels", "depth", "window_depth", "fronts")
    class ParametersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    METHOD_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    SIGN_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    LABELLED_FIELD_NUMBER: _ClassVar[int]
    WINDOW_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    WINDOW_WIDTH_FIELD_NUMBER: _ClassVar[int]
    TOPS_FIELD_NUMBER: _ClassVar[int]
    LEFTS_FIELD_NUMBER: _ClassVar[int]
    MEANS_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    REGIONS_FIELD_NUMBER: _ClassVar[int]
    STATISTICS_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    WINDOW_DEPTH_FIELD_NUMBER: _ClassVar[int]
    FRONTS_FIELD_NUMBER: _ClassVar[int]
    method: str
    label: str
    sign: Sign
    unit: str
    output: Output
    parameters: _containers.ScalarMap[str, str]
    height: int
    width: int
    members: _containers.RepeatedCompositeFieldContainer[Member]
    labelled: bool
    window_height: int
    window_width: int
    tops: _containers.RepeatedScalarFieldContainer[int]
    lefts: _containers.RepeatedScalarFieldContainer[int]
    means: bytes
    errors: bytes
    counts: bytes
    regions: _containers.RepeatedCompositeFieldContainer[Region]
    statistics: Statistics
    segment_count: int
    labels: bytes
    depth: int
    window_depth: int
    fronts: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, method: _Optional[str] = ..., label: _Optional[str] = ..., sign: _Optional[_Union[Sign, str]] = ..., unit: _Optional[str] = ..., output: _Optional[_Union[Output, str]] = ..., parameters: _Optional[_Mapping[str, str]] = ..., height: _Optional[int] = ..., width: _Optional[int] = ..., members: _Optional[_Iterable[_Union[Member, _Mapping]]] = ..., labelled: bool = ..., window_height: _Optional[int] = ..., window_width: _Optional[int] = ..., tops: _Optional[_Iterable[int]] = ..., lefts: _Optional[_Iterable[int]] = ..., means: _Optional[bytes] = ..., errors: _Optional[bytes] = ..., counts: _Optional[bytes] = ..., regions: _Optional[_Iterable[_Union[Region, _Mapping]]] = ..., statistics: _Optional[_Union[Statistics, _Mapping]] = ..., segment_count: _Optional[int] = ..., labels: _Optional[bytes] = ..., depth: _Optional[int] = ..., window_depth: _Optional[int] = ..., fronts: _Optional[_Iterable[int]] = ...) -> None: ...

class Member(_message.Message):
    __slots__ = ("image", "target", "input_hash")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    INPUT_HASH_FIELD_NUMBER: _ClassVar[int]
    image: int
    target: int
    input_hash: bytes
    def __init__(self, image: _Optional[int] = ..., target: _Optional[int] = ..., input_hash: _Optional[bytes] = ...) -> None: ...

class MapHeader(_message.Message):
    __slots__ = ("height", "width", "precision", "sign", "targets", "input_hash", "unseen", "depth")
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    SIGN_FIELD_NUMBER: _ClassVar[int]
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    INPUT_HASH_FIELD_NUMBER: _ClassVar[int]
    UNSEEN_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    height: int
    width: int
    precision: Precision
    sign: Sign
    targets: _containers.RepeatedScalarFieldContainer[int]
    input_hash: bytes
    unseen: bytes
    depth: int
    def __init__(self, height: _Optional[int] = ..., width: _Optional[int] = ..., precision: _Optional[_Union[Precision, str]] = ..., sign: _Optional[_Union[Sign, str]] = ..., targets: _Optional[_Iterable[int]] = ..., input_hash: _Optional[bytes] = ..., unseen: _Optional[bytes] = ..., depth: _Optional[int] = ...) -> None: ...

class Plane(_message.Message):
    __slots__ = ("target", "peak", "values", "special", "differences")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    PEAK_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    SPECIAL_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCES_FIELD_NUMBER: _ClassVar[int]
    target: int
    peak: float
    values: bytes
    special: bytes
    differences: bool
    def __init__(self, target: _Optional[int] = ..., peak: _Optional[float] = ..., values: _Optional[bytes] = ..., special: _Optional[bytes] = ..., differences: bool = ...) -> None: ...

class Input(_message.Message):
    __slots__ = ("png", "height", "width", "hash", "name", "label", "class_names", "regions", "display", "unseen", "labels", "source_index", "multilabel", "group", "depth")
    PNG_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    CLASS_NAMES_FIELD_NUMBER: _ClassVar[int]
    REGIONS_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_FIELD_NUMBER: _ClassVar[int]
    UNSEEN_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_INDEX_FIELD_NUMBER: _ClassVar[int]
    MULTILABEL_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    png: bytes
    height: int
    width: int
    hash: bytes
    name: str
    label: int
    class_names: _containers.RepeatedScalarFieldContainer[str]
    regions: _containers.RepeatedCompositeFieldContainer[Mask]
    display: bool
    unseen: bytes
    labels: _containers.RepeatedScalarFieldContainer[int]
    source_index: int
    multilabel: bool
    group: str
    depth: int
    def __init__(self, png: _Optional[bytes] = ..., height: _Optional[int] = ..., width: _Optional[int] = ..., hash: _Optional[bytes] = ..., name: _Optional[str] = ..., label: _Optional[int] = ..., class_names: _Optional[_Iterable[str]] = ..., regions: _Optional[_Iterable[_Union[Mask, _Mapping]]] = ..., display: bool = ..., unseen: _Optional[bytes] = ..., labels: _Optional[_Iterable[int]] = ..., source_index: _Optional[int] = ..., multilabel: bool = ..., group: _Optional[str] = ..., depth: _Optional[int] = ...) -> None: ...

class Mask(_message.Message):
    __slots__ = ("name", "bits")
    NAME_FIELD_NUMBER: _ClassVar[int]
    BITS_FIELD_NUMBER: _ClassVar[int]
    name: str
    bits: bytes
    def __init__(self, name: _Optional[str] = ..., bits: _Optional[bytes] = ...) -> None: ...

class Edits(_message.Message):
    __slots__ = ("output", "class_count", "independent", "value_name", "labelled", "edits", "images", "whole", "edited", "predicted", "moves", "asked", "flips", "epoch", "nth", "since", "superseded")
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    CLASS_COUNT_FIELD_NUMBER: _ClassVar[int]
    INDEPENDENT_FIELD_NUMBER: _ClassVar[int]
    VALUE_NAME_FIELD_NUMBER: _ClassVar[int]
    LABELLED_FIELD_NUMBER: _ClassVar[int]
    EDITS_FIELD_NUMBER: _ClassVar[int]
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    WHOLE_FIELD_NUMBER: _ClassVar[int]
    EDITED_FIELD_NUMBER: _ClassVar[int]
    PREDICTED_FIELD_NUMBER: _ClassVar[int]
    MOVES_FIELD_NUMBER: _ClassVar[int]
    ASKED_FIELD_NUMBER: _ClassVar[int]
    FLIPS_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    NTH_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    SUPERSEDED_FIELD_NUMBER: _ClassVar[int]
    output: Output
    class_count: int
    independent: bool
    value_name: str
    labelled: bool
    edits: _containers.RepeatedCompositeFieldContainer[Edit]
    images: _containers.RepeatedCompositeFieldContainer[EditedImage]
    whole: bytes
    edited: bytes
    predicted: bytes
    moves: bytes
    asked: bytes
    flips: bytes
    epoch: float
    nth: int
    since: int
    superseded: int
    def __init__(self, output: _Optional[_Union[Output, str]] = ..., class_count: _Optional[int] = ..., independent: bool = ..., value_name: _Optional[str] = ..., labelled: bool = ..., edits: _Optional[_Iterable[_Union[Edit, _Mapping]]] = ..., images: _Optional[_Iterable[_Union[EditedImage, _Mapping]]] = ..., whole: _Optional[bytes] = ..., edited: _Optional[bytes] = ..., predicted: _Optional[bytes] = ..., moves: _Optional[bytes] = ..., asked: _Optional[bytes] = ..., flips: _Optional[bytes] = ..., epoch: _Optional[float] = ..., nth: _Optional[int] = ..., since: _Optional[int] = ..., superseded: _Optional[int] = ...) -> None: ...

class Edit(_message.Message):
    __slots__ = ("name", "takes", "form", "region", "matched", "parameters")
    class ParametersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    TAKES_FIELD_NUMBER: _ClassVar[int]
    FORM_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    MATCHED_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    takes: str
    form: str
    region: str
    matched: str
    parameters: _containers.ScalarMap[str, str]
    def __init__(self, name: _Optional[str] = ..., takes: _Optional[str] = ..., form: _Optional[str] = ..., region: _Optional[str] = ..., matched: _Optional[str] = ..., parameters: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Example(_message.Message):
    __slots__ = ("input_hash", "whole", "donor", "edited")
    INPUT_HASH_FIELD_NUMBER: _ClassVar[int]
    WHOLE_FIELD_NUMBER: _ClassVar[int]
    DONOR_FIELD_NUMBER: _ClassVar[int]
    EDITED_FIELD_NUMBER: _ClassVar[int]
    input_hash: bytes
    whole: bytes
    donor: bytes
    edited: _containers.RepeatedCompositeFieldContainer[Picture]
    def __init__(self, input_hash: _Optional[bytes] = ..., whole: _Optional[bytes] = ..., donor: _Optional[bytes] = ..., edited: _Optional[_Iterable[_Union[Picture, _Mapping]]] = ...) -> None: ...

class Picture(_message.Message):
    __slots__ = ("edit", "png")
    EDIT_FIELD_NUMBER: _ClassVar[int]
    PNG_FIELD_NUMBER: _ClassVar[int]
    edit: str
    png: bytes
    def __init__(self, edit: _Optional[str] = ..., png: _Optional[bytes] = ...) -> None: ...

class EditedImage(_message.Message):
    __slots__ = ("input_hash", "truths", "head", "donor", "donor_class", "group")
    INPUT_HASH_FIELD_NUMBER: _ClassVar[int]
    TRUTHS_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    DONOR_FIELD_NUMBER: _ClassVar[int]
    DONOR_CLASS_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    input_hash: bytes
    truths: _containers.RepeatedScalarFieldContainer[int]
    head: int
    donor: int
    donor_class: int
    group: str
    def __init__(self, input_hash: _Optional[bytes] = ..., truths: _Optional[_Iterable[int]] = ..., head: _Optional[int] = ..., donor: _Optional[int] = ..., donor_class: _Optional[int] = ..., group: _Optional[str] = ...) -> None: ...
