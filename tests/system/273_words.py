"""The commands and their options, as the binary and the manual page have them: the same."""
import json
import os
import re
import subprocess

from lib.proc import check, equal

PAGE = os.path.join(os.path.dirname(__file__), '..', '..', 'man', 'postern.8')


def synopsis(page):
    """{command: its options, with dashes}"""
    text = page.partition('.Sh SYNOPSIS\n')[2].partition('.Sh')[0]
    out = {}
    for block in text.split('.Nm\n')[1:]:
        words = re.search(r'^\.Cm (.*)', block, re.M)
        options = {'-' + x for x in re.findall(r'Fl (-?[a-z-]+)', block)}
        for word in words.group(1).split(' | ') if words else ['']:
            out[word] = options
    return out


def described(page):
    text = page.partition('.Sh DESCRIPTION\n')[2].partition('.Sh CONTROL')[0]
    return {w for line in re.findall(r'^\.It Cm (.*)', text, re.M)
            for w in re.findall(r'(?:^|, |\| |Cm )([a-z-]+)', line.split(' Ar ')[0].split(' Op ')[0])}


def play_words(place):
    def say(*words):
        done = subprocess.run([place.binary(), *words], capture_output=True, text=True, timeout=20)
        return done.returncode, done.stdout, done.stderr

    page = open(PAGE).read()
    rc, text, _ = say('help')
    equal(rc, 0, 'help')
    words = set(re.findall(r'^  ([a-z-]+)  ', text, re.M))
    check(len(words) > 10, text)
    pages = synopsis(page)
    equal(set(pages) - {''}, words, 'commands in the synopsis')
    equal(described(page), words, 'commands described')
    for word in sorted(words):
        rc, text, _ = say('help', word)
        equal(rc, 0, f'help {word}')
        check(text.startswith(f'usage: postern {word}'), text)
        usage = text.partition('\n\n')[0].split('Exit status')[0]
        have = {x for x in re.findall(r'(?<![\w-])(--?[a-z][a-z-]*)', usage.split('\n  -')[0])}
        equal(have, pages[word], f'options of {word}')
        rc, out, err = say(word, '--no-such-option')
        equal((rc, out), (2, ''), f'{word}: {err}')
        check(f'postern {word}: there is no option "--no-such-option"' in err, err)
    rc, _, err = say('helo')
    check(rc == 2 and 'did you mean "help"?' in err, err)
    rc, out, _ = say('profiles', 'teams')
    check(rc == 0 and out.startswith('# ') and '\nname: teams\n' in out, out)
    rc, out, _ = say('profiles', '--json', 'teams')
    check('\nname: teams\n' in json.loads(out)['text'], out)
    rc, out, err = say('profiles', 'team')
    check(rc == 1 and not out and 'there is no "team"; postern profiles lists all' in err, err)
