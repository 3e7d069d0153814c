"""Records of every kind, to bytes and back: what the other rooms read and write.

A record is a protobuf sealed with a version and a checksum (`record.proto`;
`docs/extending/format.md` describes it in one page). Each kind has a file beside this one; a new kind
is one more, named here, in `metadata.Kind` and in `record.proto`.
"""

from tensorboard_picasso.stored.allscores import (
    AllScores,
    AllScoresReader,
    Layout,
    ScoredImage,
    pack_all_scores,
    unpack_all_scores,
)
from tensorboard_picasso.stored.attribution import (
    Attribution,
    MethodNumbers,
    MethodReader,
    Target,
    pack_attribution,
    unpack_attribution,
)
from tensorboard_picasso.stored.edits import (
    OF_CLASSES,
    Edit,
    Edited,
    Edits,
    pack_edits,
    unpack_edits,
)
from tensorboard_picasso.stored.example import Example, pack_example, unpack_example
from tensorboard_picasso.stored.grid import Grid
from tensorboard_picasso.stored.input import (
    MAX_SOURCES,
    Bits,
    Input,
    pack_input,
    unpack_input,
    unpack_picture,
    unpack_shown,
)
from tensorboard_picasso.stored.mean import Mean, Member, pack_mean, unpack_mean
from tensorboard_picasso.stored.parts import (
    MAX_CLASSES,
    MAX_PIXELS,
    MAX_SEGMENTS,
    MAX_SIDE,
    Region,
)
from tensorboard_picasso.stored.planes import (
    Maps,
    Plane,
    pack_maps,
    unpack_map_header,
    unpack_maps,
    unpack_plane,
)
from tensorboard_picasso.stored.scores import Hidden, Scores, pack_scores, unpack_scores
from tensorboard_picasso.stored.seal import (
    MAX_PICTURED,
    MAX_PLANES,
    NewerRecordError,
    RecordError,
    check_bytes,
)

__all__ = [
    "MAX_CLASSES",
    "MAX_PICTURED",
    "MAX_PIXELS",
    "MAX_PLANES",
    "MAX_SEGMENTS",
    "MAX_SIDE",
    "MAX_SOURCES",
    "OF_CLASSES",
    "AllScores",
    "AllScoresReader",
    "Attribution",
    "Bits",
    "Edit",
    "Edited",
    "Edits",
    "Example",
    "Grid",
    "Hidden",
    "Input",
    "Layout",
    "Maps",
    "Mean",
    "Member",
    "MethodNumbers",
    "MethodReader",
    "NewerRecordError",
    "Plane",
    "RecordError",
    "Region",
    "ScoredImage",
    "Scores",
    "Target",
    "check_bytes",
    "pack_all_scores",
    "pack_attribution",
    "pack_edits",
    "pack_example",
    "pack_input",
    "pack_maps",
    "pack_mean",
    "pack_scores",
    "unpack_all_scores",
    "unpack_attribution",
    "unpack_edits",
    "unpack_example",
    "unpack_input",
    "unpack_map_header",
    "unpack_maps",
    "unpack_mean",
    "unpack_picture",
    "unpack_plane",
    "unpack_scores",
    "unpack_shown",
]
