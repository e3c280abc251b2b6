"""Many calls at a time: SIPp behind stunnel as the PBX, SIPp as the gateway, and one srtp_end (our
own end on libsrtp2, tests/tools) that is the media of both for as many calls as are asked for."""
import json
import os
import threading
import time

from lib import agents
from lib.place import GATEWAY, PBX, POSTERN, PSTN
from lib.proc import Failed, check, wait_for

KEY = 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNk'    # in the scenario's a=crypto line
PBX_MEDIA, GW_MEDIA = 40000, 22000              # first ports of their media
SUITE = 'AES_CM_128_HMAC_SHA1_80'


def media_words(first):
    """Options of a SIPp that is to say where its media goes; first: the first port of its media."""
    return '-mp', first, '-trace_logs', '-log_file', 'media.txt'


def media_rows(sipp, host, first):
    """What its scenario has said up to now, a call a row: [local, remote, key, if it has one]"""
    try:
        with open(os.path.join(sipp.dir, 'media.txt'), encoding='ascii') as f:
            rows = [x.split() for x in f.read().split('\n')[:-1]]
    except OSError:
        return []
    return [[f'{host}:{first + 4 + 4 * int(r[0])}', f'{r[1]}:{r[2]}', *r[3:]] for r in rows]


class MediaEnds:
    """One srtp_end process, many streams."""

    def __init__(self, place):
        check(os.path.exists(place.tool('srtp_end')), 'tests/srtp_end was not built')
        self.proc = place.start('srtp_end', [place.tool('srtp_end')])
        self.added = []

    def tell(self, line):
        self.proc.p.stdin.write(line.encode() + b'\n')
        self.proc.p.stdin.flush()

    def add(self, name, local, remote, tx, rx, hz, hear, seconds):
        suite = SUITE if rx != '-' else '-'
        self.tell(f'add {name} {local} {remote} {tx} {rx} {suite} 8 {hz} {seconds} hear={hear} '
                  'rtcp=2')
        self.added.append(name)

    def lines(self):
        out = []
        for line in self.proc.text().splitlines():
            try:
                out.append(json.loads(line))
            except ValueError:
                pass                            # the last line may be half written
        return out

    def finish(self):
        """{name: final figures}; ends the process."""
        self.tell('quit')
        self.proc.wait(10)
        wrong = [x for x in self.lines() if x.get('event') == 'error']
        check(not wrong, f'srtp_end: {wrong[:3]}')
        return {x['id']: x for x in self.lines() if 'id' in x and 'received' in x}


class Traffic:
    """calls at rate a second, each held hold_ms; the first `media` of them with sound both ways.
    hosts: of the PBX, of postern towards it, of the gateway. stop() is called by the place."""

    def __init__(self, place, calls, rate, hold_ms, media, media_s=None, seconds=120, tag='',
                 hosts=(PBX, POSTERN, GATEWAY)):
        self.media = media
        self.pbx_host, postern, self.gw_host = hosts
        self.media_s = media_s if media_s is not None else max(1, hold_ms // 1000 - 2)
        self.ends = MediaEnds(place) if media else None
        self.tls = agents.stunnel(place, 'stunnel' + tag, f'{self.pbx_host}:5161',
                                  f'{postern}:5061')
        self.gw = agents.Sipp(place, 'gw' + tag, 'gateway_many.xml', self.gw_host, 5080,
                              calls=calls, seconds=seconds, extra=media_words(GW_MEDIA))
        time.sleep(0.3)
        self.pbx = agents.Sipp(place, 'pbx' + tag, 'pbx_many.xml', self.pbx_host, 5163,
                               f'{self.pbx_host}:5161', 't1', calls=calls, rate=rate,
                               hold_ms=hold_ms, service=PSTN, seconds=seconds, keys={'key': KEY},
                               extra=media_words(PBX_MEDIA))
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        if media:
            self.thread.start()
        place.keep(self)

    def watch(self):
        sides = ((self.pbx, self.pbx_host, PBX_MEDIA, 440, 1000, KEY, 'pbx'),
                 (self.gw, self.gw_host, GW_MEDIA, 1000, 440, '-', 'gw'))
        done = {'pbx': 0, 'gw': 0}
        while not self.over.is_set() and self.up() < 2 * self.media:
            for sipp, host, first, hz, hear, tx, side in sides:
                for local, remote, *key in media_rows(sipp, host, first)[done[side]:self.media]:
                    self.ends.add(f'{side}{done[side]}', local, remote, tx, key[0] if key else '-',
                                  hz, hear, self.media_s)
                    done[side] += 1
            time.sleep(0.02)

    def up(self):
        """Streams that run."""
        return len(self.ends.added) if self.ends else 0

    def wait_up(self, seconds=20):
        wait_for('all media streams', seconds, lambda: self.up() >= 2 * self.media)

    def wait(self, seconds):
        self.pbx.wait(seconds)
        self.gw.wait(15)
        self.tls.stop()

    def stop(self, *_):
        self.over.set()
        if self.media:
            self.thread.join(2)

    def judge(self, least_packets, lost=0):
        """No stream lost more than `lost` packets, none failed authentication, each was heard."""
        self.stop()
        stats = self.ends.finish()
        check(len(stats) >= 2 * self.media, f'{len(stats)} streams, wanted {2 * self.media}')
        bad = []
        for name, s in sorted(stats.items()):
            if s['received'] < least_packets:
                bad.append(f'{name}: {s["received"]} packets, wanted {least_packets}')
            for what, most in (('lost', lost), ('content_lost', lost), ('auth_fail', 0),
                               ('replay', 0), ('bad', 0), ('foreign', 0), ('content_bad', 0),
                               ('rtcp_auth_fail', 0), ('srtcp_e0', 0), ('content_dup', 0)):
                if s.get(what, 0) > most:
                    bad.append(f'{name}: {what} = {s[what]}')
            if not s.get('tone_hz_ok'):
                bad.append(f'{name}: tone {s.get("tone_hz")} Hz, part {s.get("tone_part")}')
        if bad:
            raise Failed(f'{len(bad)} faults in {len(stats)} streams: ' + '; '.join(bad[:12]))
        return stats
