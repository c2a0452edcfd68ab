"""Minutes of everything at once on a real kube-apiserver: `make chaos`.

Seeded random applies, edits, reverts, deletions and edits by hand of every kind, moved connections, Secrets and rights
that come and go, operators that are killed or paused while they lead, an API server that is restarted, and servers that
answer 429 or 500, say nothing, hang up before or after they did what was asked, are read-only or in upgrade mode. Then
all trouble ends, and soon every object must be as its manifest says or say truly why it cannot.
"""
