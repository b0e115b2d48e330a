"""Plain loops over characters of AIS sentences: armour, fields of bits, checksums, and lines of a log made by hand."""

ALPHABET = "0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVW`abcdefghijklmnopqrstuvw"  # ITU-R M.1371 / IEC 61162-1 armour
LETTERS = "@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_ !\"#$%&'()*+,-./0123456789:;<=>?"  # ITU-R M.1371-5, table 47


def bits_of(payload, fill=0):
    bits = "".join(format(ALPHABET.index(letter), "06b") for letter in payload)
    return bits[: len(bits) - fill]


def armoured(bits):
    fill = -len(bits) % 6
    bits += "0" * fill
    return "".join(ALPHABET[int(bits[at : at + 6], 2)] for at in range(0, len(bits), 6)), fill


def field(bits, start, width, *, signed=False):
    value = int(bits[start : start + width], 2)
    return value - 2**width if signed and bits[start] == "1" else value


def letters(bits, start, width):
    out = ""
    for at in range(start, start + width, 6):
        letter = LETTERS[field(bits, at, 6)]
        if letter == "@":
            break
        out += letter
    return out


def bits_from(*parts):
    """Bits of (value, width) pairs; a text is written in six-bit letters and padded with "@"."""
    out = ""
    for value, width in parts:
        if isinstance(value, str):
            padded = value.ljust(width // 6, "@")
            out += "".join(format(LETTERS.index(letter), "06b") for letter in padded)
        else:
            out += format(value % 2**width, f"0{width}b")
    return out


def checksum(text):
    total = 0
    for letter in text:
        total ^= ord(letter)
    return f"{total:02X}"


def sentence(payload, *, fill=0, total=1, number=1, sequence="", channel="A", talker="AIVDM"):
    body = f"{talker},{total},{number},{sequence},{channel},{payload},{fill}"
    return f"!{body}*{checksum(body)}"


def tag(text):
    return f"\\{text}*{checksum(text)}\\"


def position(mmsi=244660492, *, kind=1, lat=0, lon=0, sog=0, cog=0, heading=511, status=0):
    """Sentence of message 1 to 3, in the units of ITU-R M.1371-5, table 48."""
    parts = ((kind, 6), (0, 2), (mmsi, 30), (status, 4), (0, 8), (sog, 10), (0, 1), (lon, 28), (lat, 27), (cog, 12))
    return sentence(*[armoured(bits_from(*parts, (heading, 9), (0, 6), (0, 25)))[0]])


def static(mmsi=244660492, *, imo=9134270, name="EXAMPLE", ship_type=80, destination="ROTTERDAM", draught=122, **other):
    """Both sentences of message 5."""
    parts = ((5, 6), (0, 2), (mmsi, 30), (0, 2), (imo, 30), ("CALL", 42), (name, 120), (ship_type, 8))
    dims = ((225, 9), (70, 9), (1, 6), (31, 6))
    payload, fill = armoured(
        bits_from(*parts, *dims, (0, 4), (0, 20), (draught, 8), (destination, 120), (0, 1), (0, 1))
    )
    options = {"total": 2, "sequence": 3, **other}
    return sentence(payload[:56], number=1, **options), sentence(payload[56:], fill=fill, number=2, **options)
