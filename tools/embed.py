#!/usr/bin/python3
"""Print a file as a C array: embed.py NAME FILE > FILE.h"""
import sys

name, path = sys.argv[1:]
with open(path, 'rb') as f:
    data = f.read()
print(f'/* {len(data)} bytes, generated */')
print(f'static const unsigned char {name}[] __attribute__((aligned(8))) = {{')
for i in range(0, len(data), 16):
    print('\t' + ', '.join(f'0x{b:02x}' for b in data[i:i + 16]) + ',')
print('};')
