"""The engine held against Elasticsearch itself: generated cases, both asked the same, differences shrunk and classed.

Elasticsearch's server core and the request parsers of its ML plugin are published as libraries. They are downloaded to
the user's cache when the judge runs (`make judge`), and never become part of the product.
"""
