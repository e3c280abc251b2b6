"""A small network: this namespace and others on one bridge, each with its own addresses."""
from lib.proc import run


def ip(*words, space=None):
    run(['ip', *(['-n', space] if space else []), *words])


def lan(here, others):
    """here: addresses of this namespace; others: {namespace: addresses}; all "a.b.c.d/len" or
    "x::y/len" of one net."""
    ip('link', 'add', 'lan0', 'type', 'bridge')
    ip('link', 'set', 'lan0', 'up')
    for a in here:
        ip('addr', 'add', a, 'dev', 'lan0', *(['nodad'] if ':' in a else []))
    for n, (space, addresses) in enumerate(others.items()):
        ip('link', 'add', f'lan-{n}', 'type', 'veth', 'peer', 'name', 'lan0', 'netns', space)
        ip('link', 'set', f'lan-{n}', 'master', 'lan0')
        ip('link', 'set', f'lan-{n}', 'up')
        ip('link', 'set', 'lan0', 'up', space=space)
        for a in addresses:
            ip('addr', 'add', a, 'dev', 'lan0', *(['nodad'] if ':' in a else []), space=space)
