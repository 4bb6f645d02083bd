"""Knows how a picture becomes fit to be kept: drawn anew, so that nothing a camera wrote into it comes along."""

import io

from PIL import Image, ImageOps, UnidentifiedImageError

PIXELS_AT_MOST = 50_000_000
QUALITY = 85


def without_exif(data: bytes) -> bytes | None:
    """The picture as an upright JPEG without a word of where and by what it was taken; None if it is no picture."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > PIXELS_AT_MOST:
                return None
            plain = ImageOps.exif_transpose(image).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        return None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None
    plain.info.clear()
    drawn = io.BytesIO()
    plain.save(drawn, "JPEG", quality=QUALITY)
    return drawn.getvalue()
