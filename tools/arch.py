#!/usr/bin/python3
"""Check the tree against the tables of docs/architecture.md and the order in src/meson.build.

usage: arch.py [ROOT]        exit 1 and one line a violation
       arch.py --sizes       the table of sizes for docs/status.md
       arch.py --self-test   makes a tree with each violation and checks that each is reported
"""
import fnmatch
import os
import re
import subprocess
import sys
import tempfile

BANNED = 'strcpy strcat sprintf vsprintf strtok atoi gets alloca rand srand'.split()
CLOCK = 'time clock_gettime gettimeofday'.split()
HEAP = 'malloc calloc realloc reallocarray free strdup strndup'.split()
SECRET = re.compile(r'key|secret|passw|salt|hmac|auth_tag', re.I)
FN_MAX, FN_NOTE, FILE_MAX, FILE_NOTE = 100, 60, 800, 600
CALL = re.compile(r'(?<![\w.>])([A-Za-z_]\w*)\s*\(')
MARKER = re.compile(rb'^(<{7}|>{7}) ', re.M)     # of a merge that was not finished
KEYWORDS = {'if', 'for', 'while', 'switch', 'return', 'sizeof', 'defined', '_Static_assert'}


def blank(text):
    """The text without comments and the insides of strings, same line numbers."""
    def gap(m):
        s = m.group(0)
        return s[0] + s[-1] if s[0] in '"\'' else ' ' + '\n' * s.count('\n')
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', gap, text,
                  flags=re.S)


def table(doc, title):
    """Rows of the table under a heading that starts with title: lists of cells."""
    m = re.search(r'^#+ ' + re.escape(title) + r'[^\n]*\n(.*?)(?=^#|\Z)', doc, re.S | re.M)
    if not m:
        raise SystemExit(f'docs/architecture.md has no table "{title}"')
    rows = [[c.strip() for c in line.strip()[1:-1].split('|')]
            for line in m.group(1).splitlines() if line.startswith('|')]
    return [[re.findall(r'`([^`]+)`', c) or ([c] if c else []) for c in r] for r in rows[2:]]


class File:
    def __init__(self, root, path):
        self.path, self.folder = path, path.split('/')[0]
        self.stem = os.path.splitext(path.split('/', 1)[1])[0]
        with open(os.path.join(root, 'src', path), encoding='utf-8') as f:
            self.raw = f.read()
        self.text = blank(self.raw)
        self.lines = self.text.splitlines()
        self.includes = [(n, m.group(1), m.group(2)) for n, line in
                         enumerate(self.raw.splitlines(), 1)
                         if (m := re.match(r'\s*#\s*include\s*([<"])([^>"]+)', line))]
        self.defs = list(self.find_defs())      # (line, name, static, lines)
        self.calls = [(n, m.group(1)) for start, _, _, count in self.defs
                      for n in range(start + 1, start + count)
                      for m in CALL.finditer(self.lines[n - 1])
                      if m.group(1) not in KEYWORDS and not self.lines[n - 1].startswith('#')]
        self.members = {m.group(1): n for n, line in enumerate(self.lines, 1)
                        for m in re.finditer(r'^\s+[^=;]*\(\*(\w+)\)\(', line)}

    def find_defs(self):
        for n, line in enumerate(self.lines):
            m = re.match(r'([A-Za-z_]\w*)\(', line)
            if not m or n == 0 or not re.match(r'[A-Za-z_]', self.lines[n - 1]):
                continue
            for end in range(n, len(self.lines)):
                if self.lines[end].rstrip().endswith(';') and not self.lines[end][0:1].isspace():
                    break                       # a prototype or a macro call
                if self.lines[end].startswith('{'):
                    last = next((i for i in range(end, len(self.lines))
                                 if self.lines[i].startswith('}')), end)
                    yield n + 1, m.group(1), 'static' in self.lines[n - 1], last - n + 1
                    break


def tracked(root):
    """All files of the tree, by git where there is one; the fuzzers' inputs may be anything."""
    git = subprocess.run(['git', '-C', root, 'ls-files', '-z'], capture_output=True, text=True,
                         check=False)
    names = git.stdout.split('\0') if git.returncode == 0 else [
        os.path.relpath(os.path.join(d, f), root) for d, _, fs in os.walk(root) for f in fs]
    return [n for n in sorted(names) if not n.startswith('tests/fuzz/corpus/')
            and os.path.isfile(os.path.join(root, n))]


class Tree:
    def __init__(self, root):
        self.root, self.bad, self.notes = root, [], []
        with open(os.path.join(root, 'docs/architecture.md'), encoding='utf-8') as f:
            doc = f.read()
        self.row = {r[1][0]: int(r[0][0]) for r in table(doc, 'Layers')}
        self.allowed = {(r[0][0], r[1][0]) for r in table(doc, 'Exceptions')}
        self.doors = {r[0][0]: (r[1], r[2]) for r in table(doc, 'Narrow doors')}
        self.vendor = {r[0][0]: r[1] for r in table(doc, 'Libraries')}
        with open(os.path.join(root, 'src/meson.build'), encoding='utf-8') as f:
            build = re.sub(r'#[^\n]*', '', f.read())
        self.order = {}                         # 'folder/stem' -> place in its folder
        for folder, names in re.findall(r"\['(\w+)',\s*\[([^\]]*)\]", build):
            for i, name in enumerate(re.findall(r"'(\w+)'", names)):
                self.order[f'{folder}/{name}'] = i
        self.files = [File(root, os.path.relpath(os.path.join(d, f), os.path.join(root, 'src')))
                      for d, dirs, names in sorted(os.walk(os.path.join(root, 'src')))
                      for f in sorted(names)
                      if f.endswith(('.c', '.h')) and d != os.path.join(root, 'src')]
        self.owner = {}                         # public function -> the files that define it
        for f in self.files:
            for _, name, static, _ in f.defs:
                if not static or f.path.endswith('.h'):
                    self.owner.setdefault(name, set()).add(f.path)

    def fail(self, f, line, what):
        self.bad.append(f'src/{f.path}:{line}: {what}')

    def arrow(self, f, line, target, how):
        """One arrow from f to the file target ('sip/msg.h')."""
        folder, stem = target.split('/', 1)[0], os.path.splitext(target)[0]
        here, there = self.row.get(f.folder), self.row.get(folder)
        if there is None or here is None:
            self.fail(f, line, f'{f.folder if here is None else folder} is in no row of the table')
        elif folder == f.folder:
            mine, his = self.order.get(f'{f.folder}/{f.stem}'), self.order.get(stem)
            if mine is not None and his is not None and his > mine:
                self.fail(f, line, f'{how} {target}: out of order, it stands later in meson.build')
        elif there > here:
            self.fail(f, line, f'{how} {target}: an arrow upward ({f.folder} is row {here}, '
                      f'{folder} row {there})')
        elif there == here and (f.folder, folder) not in self.allowed:
            self.fail(f, line, f'{how} {target}: an arrow sideways (both in row {here})')
        elif folder in self.doors and f.folder in self.doors[folder][1]:
            if stem not in [os.path.splitext(d)[0] for d in self.doors[folder][0]]:
                self.fail(f, line, f'{how} {target}: {f.folder} may use {folder} only through '
                          + ' '.join(self.doors[folder][0]))

    def check_file(self, f):
        for line, kind, name in f.includes:
            if kind == '"' and '/' in name:
                self.arrow(f, line, name, 'includes')
            elif kind == '"':
                self.fail(f, line, f'include "{name}" without its folder')
            for prefix, wrappers in self.vendor.items():
                if name.startswith(prefix) and kind == '<' and not any(
                        fnmatch.fnmatch(f.path, w) for w in wrappers):
                    self.fail(f, line, f'vendor header <{name}> outside {" ".join(wrappers)}')
        own = {name for _, name, _, _ in f.defs}
        for line, name in f.calls:
            owners = self.owner.get(name, set()) - {f.path}
            if name not in own and len(owners) == 1:
                self.arrow(f, line, next(iter(owners)), f'calls {name}() of')
            self.check_banned(f, line, name, own)
        for line, name, static, length in f.defs:
            if name in self.members and static:
                self.fail(f, line, f'static {name}() has the name of a pointer member '
                          f'({self.members[name]})')
            if length > FN_MAX:
                self.fail(f, line, f'{name}() has {length} lines, more than {FN_MAX}')
            elif length > FN_NOTE:
                self.notes.append(f'src/{f.path}:{line}: {name}() has {length} lines')
        count = len(f.raw.splitlines())
        if count > FILE_MAX:
            self.fail(f, 1, f'{count} lines, more than {FILE_MAX}')
        elif count > FILE_NOTE:
            self.notes.append(f'src/{f.path}: {count} lines')

    def check_banned(self, f, line, name, own):
        if name in own:
            return
        raw = f.raw.splitlines()[line - 1]
        if name in BANNED:
            self.fail(f, line, f'banned call {name}()')
        elif name in CLOCK and f.path != 'base/clock.c':
            self.fail(f, line, f'banned call {name}() outside base/clock.c')
        elif name in HEAP and f.folder != 'base':
            self.fail(f, line, f'banned call {name}() outside base/: use base/mem.h')
        elif name == 'memcmp' and SECRET.search(raw) and 'public:' not in raw:
            self.fail(f, line, 'memcmp on a secret: use secret_equal (or say /* public: why */)')

    def check(self):
        self.members = {name: f'src/{f.path}:{n}' for f in self.files
                        for name, n in f.members.items()}
        for f in self.files:
            self.check_file(f)
        for name in tracked(self.root):
            with open(os.path.join(self.root, name), 'rb') as f:
                text = f.read()
            if m := MARKER.search(text):
                line = text.count(b'\n', 0, m.start()) + 1
                self.bad.append(f'{name}:{line}: a merge that was not finished')
        return self.bad


def self_test():
    doc = os.path.join(os.path.dirname(__file__), '..', 'docs', 'architecture.md')
    long_fn = 'int\nlong_one(void)\n{\n' + '\tint x;\n' * 100 + '}\n'
    cases = [
        ('include upward', 'sip/a.c', '#include "call/x.h"\n', 'arrow upward'),
        ('include sideways', 'sip/a.c', '#include "net/x.h"\n', 'arrow sideways'),
        ('call upward', 'base/err.c', 'int\nf(void)\n{\n\treturn call_up();\n}\n',
         'calls call_up() of call/x.c: an arrow upward'),
        ('order in a folder', 'base/err.c', '#include "base/str.h"\n', 'out of order'),
        ('narrow door', 'call/a.c', '#include "media/flow.h"\n', 'only through media/ctl.h'),
        ('vendor header', 'sip/a.c', '#include <openssl/ssl.h>\n', 'vendor header'),
        ('pointer member', 'sip/a.c', 'struct s {\n\tint (*on_it)(int x);\n};\nstatic int\n'
         'on_it(int x)\n{\n\treturn x;\n}\n', 'name of a pointer member'),
        ('banned call', 'sip/a.c', 'int\nf(void)\n{\n\treturn atoi("1");\n}\n', 'banned call atoi'),
        ('heap', 'sip/a.c', 'int\nf(void)\n{\n\tfree(0);\n}\n', 'outside base/'),
        ('clock', 'sip/a.c', 'int\nf(void)\n{\n\treturn time(0);\n}\n', 'outside base/clock.c'),
        ('secret', 'sip/a.c', 'int\nf(void)\n{\n\treturn memcmp(key, b, 2);\n}\n', 'on a secret'),
        ('long function', 'sip/a.c', long_fn, 'more than 100'),
        ('half merged', 'sip/a.c', 'int x;\n' + '>' * 7 + ' theirs\n', 'merge that was not'),
        ('long file', 'sip/a.c', '\n' * 801, 'more than 800'),
        ('nothing wrong', 'srtp/a.c', '#include "rtp/r.h"\n/* atoi(x) */\nint\nf(void)\n{\n'
         '\treturn s->free("malloc(1)");\n}\n', None),
    ]
    lost = 0
    for name, path, text, want in cases:
        with tempfile.TemporaryDirectory() as root:
            files = {'src/meson.build': "layers = [\n['base', ['err', 'str'], []],\n]\n",
                     'src/call/x.c': 'int\ncall_up(void)\n{\n\treturn 1;\n}\n', 'src/' + path: text}
            with open(doc, encoding='utf-8') as f:
                files['docs/architecture.md'] = f.read()
            for p, t in files.items():
                os.makedirs(os.path.dirname(os.path.join(root, p)), exist_ok=True)
                with open(os.path.join(root, p), 'w', encoding='utf-8') as f:
                    f.write(t)
            got = Tree(root).check()
            if (not got) if want is None else any(want in g for g in got):
                continue
            lost += 1
            print(f'self-test {name}: wanted {want!r}, got {got}')
    print(f'arch self-test: {len(cases) - lost} passed, {lost} failed')
    return 1 if lost else 0


def sizes(tree):
    print('| folder | files | lines | longest file | longest function |\n|---|---|---|---|---|')
    for folder in sorted(tree.row, key=lambda f: -tree.row[f]):
        files = [f for f in tree.files if f.folder == folder]
        lines = {f.path: len(f.raw.splitlines()) for f in files}
        defs = [(n, f'`{name}` {n}') for f in files for _, name, _, n in f.defs]
        if files:
            big = max(lines, key=lines.get)
            print(f'| `{folder}` | {len(files)} | {sum(lines.values())} | `{big}` {lines[big]} | '
                  f'{max(defs)[1] if defs else ""} |')
    return 0


def main(argv):
    if '--self-test' in argv:
        return self_test()
    if '--sizes' in argv:
        return sizes(Tree(os.path.join(os.path.dirname(__file__), '..')))
    tree = Tree(argv[1] if len(argv) > 1 else os.path.join(os.path.dirname(__file__), '..'))
    for line in tree.check():
        print(line)
    for line in tree.notes:
        print('note:', line)
    print(f'arch: {len(tree.files)} files, {len(tree.bad)} violations')
    return 1 if tree.bad else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv))
