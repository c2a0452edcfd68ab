"""Minutes of everything at once on a real kube-apiserver: `make chaos`.

Seeded random applies, edits, reverts, deletions and edits by hand of every kind; changes that need a new job, moves to
another server, values of a job set that come from an index; connections, Secrets and rights that come and go; an engine
that the operator runs, whose objects are edited and deleted; operators that are killed or paused while they lead,
servers that are killed, an API server that is restarted, and servers that answer 429 or 500, say nothing, hang up
before or after they did what was asked, are read-only or in upgrade mode. Then all trouble ends, and soon every object
must be as its manifest says or say truly why it cannot.
"""
