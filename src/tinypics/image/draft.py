"""How much smaller a decoder may make a picture, so that its outputs lose nothing that shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tinypics.image.picture import OpenPicture

# Factors by which a JPEG can be decoded smaller at no cost, and the ratio of decoded to wanted pixels that keeps the
# result within 50 dB of resampling the whole picture. Measured on sharp 12 MP photos; test_fidelity.py. A quarter keeps
# more: by libjpeg and by the native reader, it folds stripes of three to seven pixels into coarse ones, which only a
# filter that follows removes. The native reader's half takes little longer, and has no such stripes.
_DRAFTS: Final = ((8, 2.5), (4, 3.1), (2, 1.5))
# The same for an encoder with a loss of 35 to 41 dB: the output changes by less than 0.4 dB.
_LOSSY_DRAFTS: Final = ((8, 1.8), (4, 3.1), (2, 1.25))
# Decoding only the DC scans of a progressive JPEG saves so much that 40 dB are accepted, as other libraries do.
DC_SCALE: Final = 8
_DC_ONLY: Final = (DC_SCALE, 1.25)
# The same for libwebp, which averages boxes of any size: 55 dB, and 48 dB for an encoder with loss. Where it is much
# smaller, more pixels cost little.
_WEBP_SPARE, _WEBP_LOSSY_SPARE, _WEBP_MUCH = 3, 2, 12
# The same for means of boxes of pixels: as many as `transform.resample` keeps itself.
_BOX_SPARE, _LOSSY_BOX_SPARE = 3.1, 1.9
_MAX_BOX: Final = 255


def draft_scale(picture: OpenPicture, min_scale: float, *, lossy: bool = False) -> int:
    """The factor by which a JPEG, a PNG, an AVIF or a lossy WebP can be decoded smaller for one output; otherwise 1.

    `min_scale` is the number of source pixels per output pixel. `lossy` tells whether the output's own encoding loss
    hides that of decoding.
    """
    header = picture.header
    if picture.boxes:
        return max(1, min(int(min_scale / (_LOSSY_BOX_SPARE if lossy else _BOX_SPARE)), _MAX_BOX))
    if header.decoder.name == "webp" and min_scale >= 2 * _WEBP_LOSSY_SPARE:
        from tinypics.image import webp_decode

        spare = _WEBP_LOSSY_SPARE if lossy and min_scale < _WEBP_MUCH else _WEBP_SPARE
        return max(1, int(min_scale / spare)) if webp_decode.scales(header.data) else 1
    if not header.scalable:
        return 1
    drafts = [*([_DC_ONLY] if header.dc_end else []), *(_LOSSY_DRAFTS if lossy else _DRAFTS)]
    return next((scale for scale, spare in drafts if min_scale >= scale * spare and min(picture.size) >= scale), 1)
