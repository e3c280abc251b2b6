"""Tones: made, and measured with a Goertzel filter. The proof that sound flowed."""
import math
import struct
import wave

BLOCK, RATE = 800, 8000     # 0.1 s: whole periods of every multiple of 10 Hz


def alaw_encode(x):
    """16 bit linear to A-law (G.711)."""
    sign = 0x80 if x >= 0 else 0
    x = min(abs(x), 32635)
    if x >= 256:
        exponent = x.bit_length() - 8
        code = exponent << 4 | x >> (exponent + 3) & 15
    else:
        code = x >> 4
    return (code | sign) ^ 0x55


def alaw_decode(byte):
    byte ^= 0x55
    value, segment = (byte & 15) << 4, (byte & 0x70) >> 4
    value += 8 if segment == 0 else 0x108
    if segment > 1:
        value <<= segment - 1
    return value if byte & 0x80 else -value


def ulaw_decode(byte):
    byte = ~byte & 255
    value = (((byte & 15) << 3) + 132) << ((byte & 0x70) >> 4)
    return 132 - value if byte & 0x80 else value - 132


ALAW = [alaw_decode(b) for b in range(256)]
ULAW = [ulaw_decode(b) for b in range(256)]


def decode(payload, pt):
    table = ULAW if pt == 0 else ALAW
    return [table[b] for b in payload]


def alaw_tone(hz, start, count=160):
    """count A-law samples of a sine from sample number start on."""
    return bytes(alaw_encode(int(11000 * math.sin(2 * math.pi * hz * (start + i) / RATE)))
                 for i in range(count))


def write_wav(path, hz, seconds):
    with wave.open(path, 'wb') as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(RATE)
        w.writeframes(b''.join(struct.pack('<h', int(11000 * math.sin(2 * math.pi * hz * i / RATE)))
                               for i in range(int(seconds * RATE))))


def read_wav(path):
    """Samples of a mono 16 bit file; a header that was never finished does not matter."""
    with open(path, 'rb') as f:
        data = f.read()
    at = data.find(b'data')
    body = data[at + 8:] if at > 0 else b''
    return [x for x, in struct.iter_unpack('<h', body[:len(body) // 2 * 2])]


def power(block, hz):
    """Share (0..1) of the block's energy at hz."""
    w = 2 * math.cos(2 * math.pi * hz / RATE)
    s1 = s2 = total = 0.0
    for x in block:
        s1, s2 = x + w * s1 - s2, s1
        total += x * x
    if total < len(block) * 100.0 ** 2:
        return None                             # silence
    return (s1 * s1 + s2 * s2 - w * s1 * s2) * 2 / (len(block) * total)


def measure(samples, hz):
    """(seconds of sound, mean share of energy at hz)"""
    shares = [p for i in range(0, len(samples) - BLOCK + 1, BLOCK)
              if (p := power(samples[i:i + BLOCK], hz)) is not None]
    if not shares:
        return 0.0, 0.0
    return len(shares) * BLOCK / RATE, sum(shares) / len(shares)
