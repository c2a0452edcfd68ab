"""Words that programs write into their logs, as opposed to what they write about.

A word of this list, or of one of these endings, is taken for a part of the statement: two messages that differ in such
a word were written by different statements. Any other word may be a name.
"""

from __future__ import annotations

import re
from typing import Final

_FUNCTION_WORDS: Final = """
a about above according across after again against ago all almost along already also although always am among an and
another any anyone anything anyway are around as aside at away back be became because become been before behind being
below beneath besides best better between beyond both but by came can cannot could did do does doing done down due
during each either else enough etc even ever every everything except few first for forever former from further get
gets give given goes going gone got had half has have having he hence her here him his how however i if in indeed
instead into is isn it its itself just keep last late later latest least less let lets like likely longer made make
many may maybe me meanwhile might more most much must my near need needs neither never next no nobody none nor not
nothing now of off often ok okay old on once one only onto or other others otherwise our out over own per perhaps
please plus quite rather really same see seem seems seen several shall she should since so some someone something
sometimes soon still such sure than that the their them then there therefore these they thing this those though
through throughout thus till to together too toward towards true twice two under unless until up upon us use used
useful uses very via was way we well went were what when where whether which while who whole whose why will with
within without won would yes yet you your false null nil zero three four five don doesn didn couldn wasn aren n't
"""
_ACTIONS: Final = """
abort accept access acknowledge ack acquire activate add adjust alert alloc allocate allow append apply arrive ask
assert assign associate attach attempt auth authenticate authorize backup balance begin bind block boot bootstrap
break broadcast broken build built bypass call cancel change check choose chosen clean clear click close combine
commit compact compare compile complete compress compute configure confirm connect consume contact continue convert
copy correct corrupt count crash create cut deactivate decode decommission decrease decrypt defer define delay delete
deliver demote deny deploy dequeue destroy detach detect die died disable discard disconnect discover dismiss dispatch
display distribute download drain drop dump echo eject elect emit enable encode encounter encrypt end enqueue enter
escape establish evaluate evict examine exceed exchange exclude execute exist exists exit expand expect expire explode
export extend extract fail fall fetch fill filter find finish fire fix flush follow forbid force fork format forward
found free freeze froze frozen generate grab grant grew grow handle handshake hang hash heal held hide hit hold hung
identify idle ignore implement import improve include increase index indicate inform init initialize inject insert
install interrupt introduce invoke issue join keep kept kill know known launch learn leave left lease limit link
listen load locate lock log login logon logoff logout look lose lost maintain manage map mark match measure merge
migrate miss modify monitor mount move multicast negotiate notice notify obtain occur offer offline online open
operate optimize overflow overlap override overwrite own parse pass patch pause perform permit persist pick ping place
plan poll pop populate post prepare print proceed process probe produce promote propagate provide provision prune
publish pull purge push put query queue quit raise ran reach read ready rebalance rebind reboot rebuild rebuilt
receive recheck reclaim recognize recommend reconcile reconnect record recover recv redirect reduce refer refresh
refuse regain register reject release reload rely remain remap remove rename renew repair repeat replace replay reply
report request require reschedule reserve reset resize resolve respond restart restore resume retain retrieve retry
return reuse revert revoke rewrite roll rollback rotate route run save scale scan schedule seal search seek select
send sent serve set shift show shrink shut shutdown sign signal skip sleep slow smart snapshot sort spawn specify
spill spin split start stat stay step stop store stored stream submit subscribe succeed suggest suspend swap switch
sync synchronize take taken tear terminate test think throttle throw thrown time timed timeout took touch trace track
transfer transform translate transmit trap trigger trim truncate trust try turn unable unbind understand undo unexpect
uninstall unload unlock unmount unpack unregister unreachable unset unsubscribe update upgrade upload validate vanish
verify view visit vote wait wake walk want warn watch woke won work write written wrote yield
"""
_NOUNS: Final = """
account address adapter admission agent aggregate algorithm amount analysis answer api app application archive area
argument arguments array attribute attributes authentication authority bad balance bandwidth bank barrier base batch
battery boot bound boundary box branch bridge browser buffer buffers bug bus byte bytes cache caches callback
capability capacity card case cause certificate chain channel checkpoint checksum child chunk class client clients
clock cluster code collection collector column columns command commands component condition config configuration
connect connection connections consistency constraint consumer container content context control controller cookie
copies core counter cpu credential credentials current cursor cycle daemon data database datanode date day days
deadline deadlock debug default definition degree demand dependency depth descriptor destination detail details device
devices digest dimension directory dirty disk disks display document domain driver drive duplicate duration edge
element empty endpoint engine entries entry environment epoch error errors event events exception executor expiration
extension fabric factory fatal failure failures fault feature field fields file files filesystem firmware flag flow
folder frame free full function gateway global good group groups guard handler hardware hash header headers health
heap heartbeat heartbeats help high history hook host hosts hour hours id identity image inactive incomplete incorrect
info information input instance instances integer interface internal interrupt interval invalid invalidation inode
iteration job jobs journal kernel key keys keyword label large layer leader leak length level library license
lifecycle limits line lines link list listener local location locks logic long low machine main major manager mapping
master maximum mbytes member memory message messages metadata method metric metrics middle millis milliseconds min
mini minimum minor minute minutes mode model module modules monitor months mount ms name names namespace negative
network new node nodes normal number object objects offset operation operations operator option options order output
owner package packet packets page pages pair panel parameter parameters parent parity part partition password path
pattern payload peer pending percent performance period permission permissions phase phone pid pipeline platform
plugin point policy pool port ports position power preferred prefix priority private privilege problem process
processes processor profile program progress project property protocol provider proxy public quorum quota range rate
ratio raw reason reasons receiver recipient region registry remote replica replicas replication reply reporter
repository resource resources response result results revision right role root route router routine row rows rpc rule
runtime sample scheduler schema scope screen script second seconds section sector security segment segments sender
sensor sequence server servers service services session sessions severity shard shards shared shell short side
signature single size slave sleep slot slots small snapshot socket source space spec speed stack stage standby state
statement statistics status step storage stream string success suite summary super support swap symbol system table
tables tag target task tasks temperature template temporary term terminal text thread threads threshold ticket time
timer timestamp timestamps times token tokens tool top topic total traffic transaction transactions transport tree
trigger trust tuple type types undefined unexpected unit unknown upper url usage user users usr uid gid val value
values variable variables vector version versions video virtual volume volumes warning warnings web week window
wireless word worker workers wrong year zone
"""
_STATES: Final = """
absent accessible active alive ambiguous anonymous asleep available awake bad broken busy clean closed cold compatible
complete consistent corrupt critical dead degraded denied different direct dirty disabled down dry dropped duplicate
eligible emergency empty enough equal excessive existent expired explicit external fail failed fast final fine
finished fresh fully hard healthy hot idle illegal implicit inactive inbound incoming ineligible insecure invalid
latent lazy live locked loose malformed manual missing mixed multiple nominal obsolete optional orphan outbound
outgoing outdated partial passive permanent persistent possible present primary quiet random rare recent redundant
reliable running safe secondary secure silent similar soft solid special stable stale static steady strict strong
stuck successful sudden suitable synchronous temporary tight transient unavailable unhealthy uncommitted unchanged
unique unusual unresponsive usable valid verbose visible warm weak zombie alarm alert crit emerg err error fatal info
notice debug trace warn warning severe verbose get post put delete head patch http https tcp udp ip dns ssl tls ssh
ftp sql dhcp arp icmp nfs smtp imap ldap pam acpi usb pci cpu gpu ram bios io eof ack nack syn fin rst ok oom gc jvm
"""


def _forms(words: str) -> set[str]:
    """Words with their regular plurals and third persons."""
    found = set(words.split())
    return found | {f"{word}es" if word.endswith(("s", "x", "ch", "sh")) else f"{word}s" for word in found}


_KNOWN: Final = frozenset(
    {*_FUNCTION_WORDS.split(), *_forms(_ACTIONS), *_forms(_NOUNS), *_STATES.split()}
    - {"guest", "admin", "nobody", "root", "test", "backup", "operator", "daemon", "mark", "bill", "main"}
)
_ENDINGS: Final = re.compile(
    r"[a-z]{3,}(?:ing|ed|tions?|sion|ments?|ness|able|ible|ful|less|ized?|ise|ity|ance|ence|ally|ically|ously)\Z"
)
_BEFORE_NAMES: Final = """
user users username host hostname node pod container service unit queue topic table database db index interface domain
client tenant account member device driver package volume image file directory folder module plugin bucket schema role
group namespace cluster server peer broker replica thread channel process program command slice scope target principal
owner customer repository branch project key name called named
by from for on at in with of into against via than
"""
ENTITIES: Final = frozenset(_BEFORE_NAMES.split())
"""What comes before the name of a thing of its kind."""
_BEFORE_STATEMENTS: Final = """
msg message event error err reason level severity lvl type action log text body description summary detail details title
exception cause short_message
"""
STATEMENT_KEYS: Final = frozenset(_BEFORE_STATEMENTS.split())
"""Keys of statements, where others are keys of values: `msg=connection lost`."""
_LEFT_OUT: Final = "mon tue wed thu fri sat sun jan feb mar apr may jun jul aug sep oct nov dec gmt utc"
TIMES: Final = frozenset(_LEFT_OUT.split())
"""Words that are left out as times by the usual analyzer, whatever else they may be."""


_UNITS: Final = "b k kb kib m mb mib g gb gib t tb tib ns us µs ms s sec secs min mins h hrs"
UNITS: Final = frozenset(_UNITS.split())
"""What belongs to the number before it: `5 MB` and `900 KB` are values alike."""


def is_statement_word(term: str) -> bool:
    """Return whether a word without digits is one that a statement is made of; a state in capitals is not."""
    word = term.lower()
    if term == word or term.istitle():
        return word in _KNOWN or _ENDINGS.match(word) is not None
    return term.isupper() and word in _KNOWN


_VERBS: Final = frozenset(_forms(_ACTIONS))
_VERB_ENDING: Final = re.compile(r"[a-z]{3,}(?:ing|ed|ized?|ises?)\Z")


def is_verb(term: str) -> bool:
    """Return whether a word of a statement says what happens."""
    word = term.lower()
    return word in _VERBS or _VERB_ENDING.match(word) is not None
