"""Remove from an encoded image what is not its pixels, without touching those.

`strip` works on containers: JPEG segments, PNG and WebP chunks, GIF blocks, the items of HEIC and
AVIF. What affects the pixels stays (ICC profiles, Adobe's colour marker, gamma, transparency); GPS,
camera, captions, thumbnails, further pictures and whatever is appended to the file go. Orientation
is written back alone, so that the bytes still say which way is up. Nothing is decoded here.
"""

import struct
import zlib
from collections.abc import Callable, Iterator

# Chunks that decide what a PNG's pixels look like. Source: PNG specification (third edition), section 11.
_PNG_KEPT = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"sBIT"}
_WEBP_KEPT = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP", b"ANIM", b"ANMF"}


class NotStrippable(ValueError):
    """The container is not as its specification says, so its parts cannot be told apart."""


def strip(data: bytes, form: str, orientation: int) -> bytes | None:
    """The same image without metadata; `None` where the format has no lossless way here.

    `form` is Pillow's format name, `orientation` the EXIF value 1 to 8 to keep. Raises
    `NotStrippable` for a malformed container.
    """
    stripper = _STRIPPERS.get(form)
    if stripper is None:
        return None
    try:
        return stripper(data, orientation)
    except (struct.error, IndexError) as error:
        raise NotStrippable(f"The {form} container ends too early.") from error


def _exif(orientation: int) -> bytes:
    """A TIFF header and one directory that holds the orientation and nothing else (tag 0x0112, a SHORT)."""
    return struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def _jpeg(data: bytes, orientation: int) -> bytes:
    """Source of the marker codes: ITU-T T.81, table B.1; of the APP14 colour marker: Adobe TN 5116."""
    kept = [b"\xff\xd8"]
    if orientation != 1:
        body = b"Exif\0\0" + _exif(orientation)
        kept.append(b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body)
    at = 2
    while at < len(data):
        if data[at] != 0xFF:
            raise NotStrippable("A JPEG marker was expected.")
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker == 0xD9:
            break
        end = at + 2 + struct.unpack_from(">H", data, at + 2)[0]
        segment = data[at:end]
        if _jpeg_keeps(marker, segment):
            kept.append(segment)
        at = end
        if marker == 0xDA:  # entropy-coded data follow, up to the next marker that is not a restart
            scan = at
            while True:
                at = data.find(b"\xff", at)
                if at < 0 or at + 1 >= len(data):
                    raise NotStrippable("The JPEG has no end marker.")
                if data[at + 1] == 0 or 0xD0 <= data[at + 1] <= 0xD7:
                    at += 2
                    continue
                break
            kept.append(data[scan:at])
    return b"".join(kept) + b"\xff\xd9"


def _jpeg_keeps(marker: int, segment: bytes) -> bool:
    if marker == 0xE0:
        return segment[4:9] == b"JFIF\0" and len(segment) == 18
    if marker == 0xE2:
        return segment[4:16] == b"ICC_PROFILE\0"
    if marker == 0xEE:
        return segment[4:9] == b"Adobe"
    return not (0xE0 <= marker <= 0xEF or marker == 0xFE)


def _png(data: bytes, orientation: int) -> bytes:
    kept = [data[:8]]
    at = 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind = data[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(data):
            raise NotStrippable("A PNG chunk ends too early.")
        if kind in _PNG_KEPT:
            kept.append(data[at:end])
        if kind == b"IHDR" and orientation != 1:
            body = b"eXIf" + _exif(orientation)
            kept.append(struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)))
        if kind == b"IEND":
            return b"".join(kept)
        at = end
    raise NotStrippable("The PNG has no end chunk.")


def _webp(data: bytes, orientation: int) -> bytes:
    total = min(8 + struct.unpack_from("<I", data, 4)[0], len(data))
    kept: list[bytes] = []
    at = 12
    while at + 8 <= total:
        kind, length = struct.unpack_from("<4sI", data, at)
        end = at + 8 + length + length % 2
        chunk = data[at:end]
        if kind == b"VP8X":  # flags: 0x08 EXIF, 0x04 XMP. Source: RFC 9649, section 2.7
            chunk = chunk[:8] + bytes([chunk[8] & ~0x0C | (0x08 if orientation != 1 else 0)]) + chunk[9:]
        if kind in _WEBP_KEPT:
            kept.append(chunk)
        at = end
    if orientation != 1:
        body = _exif(orientation)
        kept.append(struct.pack("<4sI", b"EXIF", len(body)) + body + b"\0" * (len(body) % 2))
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _gif(data: bytes, _: int) -> bytes:
    """The screen, its palette and the first frame. Source: GIF89a specification, sections 18 to 26."""
    at = 13 + (3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    kept = [data[:at]]
    while True:
        block = data[at]
        if block == 0x21:
            end = _gif_blocks(data, at + 2)
            if data[at + 1] == 0xF9:  # transparency of the next frame
                kept.append(data[at:end])
            at = end
        elif block == 0x2C:
            flags = data[at + 9]
            body = at + 10 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
            end = _gif_blocks(data, body + 1)
            return b"".join([*kept, data[at:end], b";"])
        else:
            raise NotStrippable("The GIF has no frame.")


def _gif_blocks(data: bytes, at: int) -> int:
    while data[at]:
        at += 1 + data[at]
    return at + 1


def _heif(data: bytes, _: int) -> bytes:
    """Overwrite the Exif and XMP items in place; which way is up is a property (irot, imir) and stays.

    Source: ISO/IEC 14496-12, boxes meta, iinf, infe, iloc; ISO/IEC 23008-12, annex A.
    """
    out = bytearray(data)
    end = 0
    for kind, start, end in _boxes(data, 0, len(data)):
        if kind == b"uuid":
            out[start - 4 : start] = b"free"
            out[start:end] = bytes(end - start)
        if kind == b"meta":
            inner = {k: (s, e) for k, s, e in _boxes(data, start + 4, end)}
            if b"iinf" not in inner or b"iloc" not in inner:
                raise NotStrippable("The HEIF has no item list.")
            items = dict(_items(data, *inner[b"iinf"]))
            idat = inner.get(b"idat", (0, 0))[0]
            for item, offset, length in _extents(data, inner[b"iloc"][0], idat):
                if items.get(item) in (b"Exif", b"mime"):
                    empty = bytes(4) + struct.pack("<2sHIHI", b"II", 42, 8, 0, 0)
                    blank = empty if items[item] == b"Exif" and length >= len(empty) else b""
                    out[offset : offset + length] = blank + bytes(length - len(blank))
    if len(out) != len(data):
        raise NotStrippable("An item of the HEIF lies outside the file.")
    return bytes(out[:end])


def _boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Type, first byte of the content, and end of each box."""
    while at + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        stop = at + size if size else end
        if (size and size < head) or stop > end:
            if kind in (b"meta", b"mdat", b"ftyp", b"iinf", b"iloc"):
                raise NotStrippable("A HEIF box ends too early.")
            return  # what follows the last box is not part of the image
        yield kind, at + head, stop
        at = stop


def _items(data: bytes, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    first = start + (6 if data[start] == 0 else 8)
    for kind, at, _ in _boxes(data, first, end):
        if kind == b"infe" and data[at] >= 2:
            wide = data[at] > 2
            item = struct.unpack_from(">I" if wide else ">H", data, at + 4)[0]
            name = at + 4 + (4 if wide else 2) + 2
            yield item, data[name : name + 4]


def _extents(data: bytes, at: int, idat: int) -> Iterator[tuple[int, int, int]]:
    """Item, file offset and length of every extent."""
    version = data[at]
    sizes = [data[at + 4] >> 4, data[at + 4] & 15, data[at + 5] >> 4, data[at + 5] & 15 if version else 0]
    offset_size, length_size, base_size, index_size = sizes
    at += 6

    def number(width: int) -> int:
        nonlocal at
        at += width
        if at > len(data):
            raise NotStrippable("The HEIF item list ends too early.")
        return int.from_bytes(data[at - width : at], "big")

    for _ in range(number(4 if version == 2 else 2)):
        item = number(4 if version == 2 else 2)
        method = number(2) & 15 if version else 0
        number(2)
        base = number(base_size) + (idat if method == 1 else 0)
        for _ in range(number(2)):
            number(index_size)
            offset, length = number(offset_size), number(length_size)
            yield item, base + offset, length


_STRIPPERS: dict[str, Callable[[bytes, int], bytes]] = {
    "JPEG": _jpeg,
    "MPO": _jpeg,
    "PNG": _png,
    "WEBP": _webp,
    "GIF": _gif,
    "HEIF": _heif,
    "AVIF": _heif,
}
