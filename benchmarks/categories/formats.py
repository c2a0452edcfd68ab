"""Logs of ten formats, each message with the statement that wrote it.

A statement is a text with holes. What goes into a hole is drawn anew for each message; the statement's number is the
truth that categories are held against.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

_USERS: Final = """
alice bob carol dave erin frank grace heidi ivan judy mallory oscar peggy trent victor walter root admin test guest
oracle postgres backup jenkins deploy ubuntu www-data müller josé 王伟 o.brien svc_batch m-jones
"""
_HOSTS: Final = "web db cache edge worker node storage mail proxy build"
_SERVICES: Final = """
nginx cron sshd docker kubelet postgresql rsyslog chronyd NetworkManager firewalld dbus bluetooth cups polkit redis
"""
_TABLES: Final = "orders customers items invoices sessions audit_log public.users shop.cart payments shipments"
_NOUNS: Final = "red blue green north south main backup alpha beta gamma delta omega"
USERS, HOSTS, SERVICES, TABLES, NOUNS = (tuple(words.split()) for words in (_USERS, _HOSTS, _SERVICES, _TABLES, _NOUNS))


class Draw:
    """What goes into holes; everything comes from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def number(self) -> str:
        return str(int(10 ** self.random.uniform(0, 6)))

    def small(self) -> str:
        return str(self.random.randint(0, 99))

    def decimal(self) -> str:
        return f"{self.random.uniform(0, 1000):.3f}"

    def ip(self) -> str:
        return ".".join(str(self.random.randint(1, 254)) for _ in range(4))

    def address(self) -> str:
        return f"{self.ip()}:{self.random.randint(1024, 65535)}"

    def hex(self) -> str:
        return f"{self.random.getrandbits(32):08x}"

    def pointer(self) -> str:
        return f"0x{self.random.getrandbits(48):012x}"

    def uuid(self) -> str:
        bits = f"{self.random.getrandbits(128):032x}"
        return "-".join([bits[:8], bits[8:12], bits[12:16], bits[16:20], bits[20:]])

    def user(self) -> str:
        return self.random.choice(USERS)

    def host(self) -> str:
        return f"{self.random.choice(HOSTS)}-{self.small()}"

    def domain(self) -> str:
        return f"{self.random.choice(HOSTS)}{self.small()}.{self.random.choice(NOUNS)}.example.com"

    def service(self) -> str:
        return self.random.choice(SERVICES)

    def table(self) -> str:
        return self.random.choice(TABLES)

    def noun(self) -> str:
        return self.random.choice(NOUNS)

    def path(self) -> str:
        depth = self.random.randint(1, 4)
        folders = "/".join(self.random.choice([*HOSTS, *NOUNS, "var", "lib", "log", "tmp"]) for _ in range(depth))
        return f"/{folders}/{self.random.choice(NOUNS)}{self.random.choice(['', '.log', '.conf', '.tmp', '-7.dat'])}"

    def url(self) -> str:
        return f"/api/v{self.random.randint(1, 3)}/{self.random.choice(TABLES)}/{self.number()}?page={self.small()}"

    def pod(self) -> str:
        letters = "bcdfghjklmnpqrstvwxz2456789"
        tail = "".join(self.random.choice(letters) for _ in range(5))
        head = "".join(self.random.choice(letters) for _ in range(9))
        return f"{self.random.choice(NOUNS)}-{self.random.choice(HOSTS)}-{head}-{tail}"

    def block(self) -> str:
        return f"blk_{self.random.choice(['', '-'])}{self.random.getrandbits(62)}"

    def iso(self) -> str:
        return (
            f"2026-{self.random.randint(1, 12):02}-{self.random.randint(1, 28):02}T{self.random.randint(0, 23):02}:"
            f"{self.random.randint(0, 59):02}:{self.random.randint(0, 59):02}.{self.random.randint(0, 999):03}Z"
        )

    def phrase(self) -> str:
        """One to three names: what is chosen by people."""
        return " ".join(self.random.choice(NOUNS).title() for _ in range(self.random.randint(1, 3)))


@dataclass(frozen=True, slots=True)
class Format:
    """A source of logs.

    Attributes:
        name: its name.
        statements: texts with `{hole}`s of `Draw`.
        head: what stands before every message; a text with holes too.
        wrap: makes the line of a message.
    """

    name: str
    statements: tuple[str, ...]
    head: str = ""
    wrap: Callable[[Draw, str], str] = lambda _, text: text

    def lines(self, count: int, seed: int) -> Iterator[tuple[str, int]]:
        """Messages and the numbers of their statements; a few statements write most of them."""
        draw = Draw(seed)
        order = list(range(len(self.statements)))
        draw.random.shuffle(order)
        weights = [1.0 / (rank + 1) for rank in range(len(order))]
        for number in draw.random.choices(order, weights, k=count):
            yield self.wrap(draw, _filled(self.head, draw) + _filled(self.statements[number], draw)), number


def _filled(text: str, draw: Draw) -> str:
    pieces = []
    for part in text.split("<"):
        hole, closed, rest = part.partition(">")
        pieces.append(getattr(draw, hole)() + rest if closed and hasattr(draw, hole) else part)
    return "".join(pieces)


def _json_line(draw: Draw, text: str) -> str:
    level, message = text.split("|", 1)
    body = {
        "ts": draw.iso(),
        "level": level,
        "msg": message,
        "user": draw.user(),
        "trace": draw.uuid(),
        "ms": int(draw.number()),
    }
    return json.dumps(body, ensure_ascii=False)


def _with_trace(draw: Draw, text: str) -> str:
    frames = "\n".join(
        f"\tat com.example.{draw.noun()}.{draw.noun().title()}Handler.{draw.noun()}(Handler.java:{draw.small()})"
        for _ in range(draw.random.randint(2, 12))
    )
    return f"{text}\n{frames}"


FORMATS: Final = (
    Format(
        "nginx error",
        (
            "connect() failed (111: Connection refused) while connecting to upstream, client: <ip>, server: <domain>, "
            'request: "GET <url> HTTP/1.1", upstream: "http://<address><url>", host: "<domain>"',
            "upstream timed out (110: Connection timed out) while reading response header from upstream, client: <ip>, "
            'server: <domain>, request: "POST <url> HTTP/1.1", upstream: "http://<address><url>", host: "<domain>"',
            'open() "<path>" failed (2: No such file or directory), client: <ip>, server: <domain>, '
            'request: "GET <url> HTTP/1.1", host: "<domain>"',
            'access forbidden by rule, client: <ip>, server: <domain>, request: "GET <url> HTTP/1.1", host: "<domain>"',
            "client intended to send too large body: <number> bytes, client: <ip>, server: <domain>",
            "SSL_do_handshake() failed (SSL: error:<hex>:SSL routines::bad key share) while SSL handshaking, "
            "client: <ip>",
            "<number> worker_connections are not enough",
            "signal process started",
            "worker process <number> exited on signal 11",
            "a client request body is buffered to a temporary file <path>, client: <ip>, server: <domain>",
        ),
        head="2026/01/02 03:04:05 [error] <number>#<number>: *<number> ",
    ),
    Format(
        "java traces",
        (
            'java.lang.NullPointerException: Cannot invoke "String.length()" because "<noun>" is null',
            "java.lang.IllegalStateException: Queue full, size <number>",
            "java.net.ConnectException: Connection refused: <domain>/<ip>:<number>",
            "java.net.SocketTimeoutException: Read timed out after <number> ms",
            "org.springframework.dao.DuplicateKeyException: duplicate key value <number> in table <table>",
            "java.io.FileNotFoundException: <path> (No such file or directory)",
            "java.lang.OutOfMemoryError: Java heap space",
            "java.util.concurrent.TimeoutException: Task <uuid> did not complete within <number> ms",
        ),
        head="<iso> ERROR [http-nio-8080-exec-<small>] c.e.shop.OrderController - ",
        wrap=_with_trace,
    ),
    Format(
        "kubernetes events",
        (
            "Successfully assigned default/<pod> to <host>",
            'Pulling image "registry.example.com/<noun>:<hex>"',
            'Successfully pulled image "registry.example.com/<noun>:<hex>" in <decimal>s',
            "Created container <noun>",
            "Started container <noun>",
            "Back-off restarting failed container <noun> in pod <pod>_default(<uuid>)",
            "Readiness probe failed: HTTP probe failed with statuscode: <number>",
            'Liveness probe failed: Get "http://<address>/healthz": context deadline exceeded',
            "Killing",
            "Stopping container <noun>",
            "Scaled up replica set <noun>-<hex> to <small>",
            "Scaled down replica set <noun>-<hex> to <small>",
            "Node <host> status is now: NodeNotReady",
            "Node <host> status is now: NodeHasSufficientMemory",
            "0/<small> nodes are available: <small> Insufficient memory.",
            'MountVolume.SetUp failed for volume "<noun>" : secret "<noun>" not found',
            "Deleted pod: <pod>",
            "Created pod: <pod>",
        ),
    ),
    Format(
        "sshd",
        (
            "Accepted password for <user> from <ip> port <number> ssh2",
            "Accepted publickey for <user> from <ip> port <number> ssh2: RSA SHA256:<uuid>",
            "Failed password for <user> from <ip> port <number> ssh2",
            "Failed password for invalid user <user> from <ip> port <number> ssh2",
            "Invalid user <user> from <ip>",
            "Connection closed by <ip> [preauth]",
            "Received disconnect from <ip>: 11: Bye Bye [preauth]",
            "pam_unix(sshd:session): session opened for user <user> by (uid=0)",
            "pam_unix(sshd:session): session closed for user <user>",
            "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=<ip>  user=<user>",
            "reverse mapping checking getaddrinfo for <domain> [<ip>] failed - POSSIBLE BREAK-IN ATTEMPT!",
            "Did not receive identification string from <ip>",
            "error: maximum authentication attempts exceeded for <user> from <ip> port <number> ssh2 [preauth]",
            "Disconnecting: Too many authentication failures for <user> [preauth]",
            "Server listening on 0.0.0.0 port <number>.",
        ),
        head="sshd[<number>]: ",
    ),
    Format(
        "systemd",
        (
            "Starting <service>.service...",
            "Started <service>.service.",
            "Stopping <service>.service...",
            "Stopped <service>.service.",
            "<service>.service: Main process exited, code=exited, status=<small>/FAILURE",
            "<service>.service: Failed with result 'exit-code'.",
            "<service>.service: Scheduled restart job, restart counter is at <small>.",
            "<service>.service: Consumed <decimal>s CPU time.",
            "Created slice User Slice of UID <number>.",
            "Removed slice User Slice of UID <number>.",
            "Reached target Multi-User System.",
            "New session <number> of user <user>.",
            "Session <number> logged out. Waiting for processes to exit.",
            "Removed session <number>.",
            "Reloading.",
            "Mounted <path>.",
            "Unit <service>.service entered failed state.",
        ),
        head="systemd[1]: ",
    ),
    Format(
        "postgres",
        (
            "duration: <decimal> ms  statement: SELECT * FROM <table> WHERE id = <number>",
            "connection received: host=<ip> port=<number>",
            "connection authorized: user=<user> database=<noun>",
            "disconnection: session time: 0:00:<decimal> user=<user> database=<noun> host=<ip> port=<number>",
            'relation "<table>" does not exist at character <small>',
            'duplicate key value violates unique constraint "<noun>_pkey"',
            'password authentication failed for user "<user>"',
            "checkpoint starting: time",
            "checkpoint complete: wrote <number> buffers (<decimal>%); <small> WAL file(s) added, <small> removed, "
            "<small> recycled; write=<decimal> s, sync=<decimal> s, total=<decimal> s",
            'automatic vacuum of table "<noun>.public.<noun>": index scans: <small>',
            'automatic analyze of table "<noun>.public.<noun>"',
            "deadlock detected",
            "canceling statement due to statement timeout",
            "could not receive data from client: Connection reset by peer",
            "process <number> still waiting for ShareLock on transaction <number> after <decimal> ms",
            "process <number> acquired ShareLock on transaction <number> after <decimal> ms",
            'temporary file: path "base/pgsql_tmp/pgsql_tmp<number>.<small>", size <number>',
        ),
        head="2026-01-02 03:04:05.678 UTC [<number>] <user>@<noun> LOG:  ",
    ),
    Format(
        "json lines",
        (
            "info|request completed",
            "info|request started",
            "warn|slow query detected",
            "error|failed to charge card",
            "error|failed to refund card",
            "info|cache miss for key session:<hex>",
            "info|cache hit for key session:<hex>",
            "info|user signed in",
            "info|user signed out",
            "warn|retrying upstream call, attempt <small>",
            "error|circuit breaker opened for <noun>",
            "error|circuit breaker closed for <noun>",
            "info|order <number> shipped to warehouse <noun>",
        ),
        wrap=_json_line,
    ),
    Format(
        "hdfs-like",
        (
            "dfs.DataNode$DataXceiver: Receiving block <block> src: /<address> dest: /<address>",
            "dfs.FSNamesystem: BLOCK* NameSystem.allocateBlock: <path>. <block>",
            "dfs.DataNode$PacketResponder: PacketResponder <small> for block <block> terminating",
            "dfs.DataNode$PacketResponder: Received block <block> of size <number> from /<ip>",
            "dfs.FSNamesystem: BLOCK* NameSystem.addStoredBlock: blockMap updated: <address> is added to "
            "<block> size <number>",
            "dfs.FSNamesystem: BLOCK* NameSystem.delete: <block> is added to invalidSet of <address>",
            "dfs.FSDataset: Deleting block <block> file <path>",
            "dfs.DataBlockScanner: Verification succeeded for <block>",
            "dfs.DataNode$DataXceiver: <address> Served block <block> to /<ip>",
            "dfs.DataNode$DataXceiver: <address>:Got exception while serving <block> to /<ip>:",
            "dfs.DataNode$DataXceiver: writeBlock <block> received exception java.io.IOException: Connection "
            "reset by peer",
            "dfs.DataNode$BlockReceiver: Exception in receiveBlock for block <block> java.io.EOFException",
            "dfs.DataNode: <address> Starting thread to transfer block <block> to <address>",
        ),
    ),
    Format(
        "android-like",
        (
            'acquire lock=<number>, flags=0x1, tag="<noun>", name=android, ws=null, uid=<number>, pid=<number>',
            'release:lock=<number>, flg=0x0, tag="<noun>", name=android, ws=null, uid=<number>, pid=<number>',
            "Skipping AppWindowToken{<hex> token=Token{<hex> ActivityRecord{<hex> u0 com.example.<noun>/.Main "
            "t<number>}}}",
            "setSystemUiVisibility vis=<number> mask=<number> oldVal=<number> newVal=<number>",
            "updateLightsLocked, mBrightness=<number>, mScreenOn=true",
            "startAnimation end",
            "startAnimation begin",
            "Killing <number>:com.example.<noun>/u0a<small> (adj <small>): empty #<small>",
            "onReceive action=android.intent.action.SCREEN_ON",
            "getRunningAppProcesses: caller <number> does not hold REAL_GET_TASKS; limiting output",
            "Displayed com.example.<noun>/.MainActivity: +<number>ms",
            "audio_hw_primary: enable_audio_route: apply mixer and update path: <noun>",
            "audio_hw_primary: disable_audio_route: reset and update mixer path: <noun>",
            "Destroying surface Surface(name=com.example.<noun>/com.example.<noun>.Main) called by <path>",
            "battery level changed from <small> to <small>",
        ),
    ),
    Format(
        "windows events",
        (
            "An account was successfully logged on. Subject: Security ID: S-1-5-18 Account Name: <user> Logon "
            "ID: <pointer>",
            "An account failed to log on. Subject: Security ID: S-1-0-0 Account Name: <user> Failure Reason: "
            "Unknown user name or bad password. Status: <pointer>",
            "The <noun> service entered the running state.",
            "The <noun> service entered the stopped state.",
            "The previous system shutdown at <iso> was unexpected.",
            "A new process has been created. Creator Process ID: <pointer> New Process Name: C:\\Program "
            "Files\\<noun>\\<noun>.exe",
            "A process has exited. Process ID: <pointer> Process Name: C:\\Windows\\System32\\<noun>.exe Exit "
            "Status: <pointer>",
            "CBS    Loaded Servicing Stack v6.1.7601.<number> with Core: C:\\Windows\\winsxs\\amd64_<hex>\\cbscore.dll",
            "CBS    Session: <number>_<number> initialized by client WindowsUpdateAgent.",
            "CBS    Warning: Unrecognized packageExtended attribute.",
            "Installation Successful: Windows successfully installed the following update: <phrase> (KB<number>)",
            "Installation Failure: Windows failed to install the following update with error <pointer>: "
            "<phrase> (KB<number>)",
            "The driver \\Driver\\<noun> failed to load for the device ROOT\\DEV\\<small>.",
            "Name resolution for the name <domain> timed out after none of the configured DNS servers responded.",
            "The time service has set the time with offset <number> seconds.",
        ),
    ),
)
