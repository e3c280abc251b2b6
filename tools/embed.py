#!/usr/bin/python3
"""Print files as C: embed.py NAME FILE, the bytes of one as an array;
embed.py --texts NAME FILE..., texts as an array of {name without suffix, text}."""
import pathlib
import sys


def array(name, data):
    print(f'/* {len(data)} bytes, generated */')
    print(f'static const unsigned char {name}[] __attribute__((aligned(8))) = {{')
    for i in range(0, len(data), 16):
        print('\t' + ', '.join(f'0x{b:02x}' for b in data[i:i + 16]) + ',')
    print('};')


def literal(line):
    """Octal for what is not plain: three digits, so that no digit after them is taken in."""
    return '"' + ''.join(chr(b) if 32 <= b < 127 and b not in b'"\\?' else f'\\{b:03o}'
                         for b in line) + '"'


def table(name, files):
    print('/* generated */')
    print('static const struct {\n\tconst char *name, *text;\n} ' + name + '[] = {')
    for f in files:
        print(f'\t{{"{f.stem}",')
        for line in f.read_bytes().splitlines(keepends=True) or [b'']:
            print('\t ' + literal(line))
        print('\t},')
    print('};')


if sys.argv[1] == '--texts':
    table(sys.argv[2], [pathlib.Path(f) for f in sys.argv[3:]])
else:
    array(sys.argv[1], pathlib.Path(sys.argv[2]).read_bytes())
