"""What decides how a content is decoded and cut, for the fingerprints of encoders."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from mmcore.media.texts.dictionaries import read_dictionaries
from mmcore.specs import SegmentationSpec
from storage.schemas import Modality

VERSIONS: Final[Mapping[Modality, int]] = MappingProxyType(
    {Modality.IMAGE: 2, Modality.TEXT: 2, Modality.AUDIO: 2, Modality.VIDEO: 2}
)
"""Of decoding and cutting: raised when another array, text or span comes out.

All vectors are made again then. What was refused and can be read now is told by ``decoders``.
"""

_DICTIONARIES: Final = "text_dictionaries"


def cutting(spec: SegmentationSpec, modality: Modality, *reads: Modality) -> dict[str, Any]:
    """What decides the segments of ``modality`` that are cut from contents of ``reads``.

    Each encoder's fingerprint holds it, so that old and new never mix. Dictionaries stand there by
    their contents, wherever they lie; ConfigError where one cannot be used.
    """
    fields = spec.deciding(modality)
    if fields.get(_DICTIONARIES):
        fields[_DICTIONARIES] = list(read_dictionaries(spec.text_dictionaries).digests)
    return {"spec": fields, "versions": [VERSIONS[one] for one in reads]}
