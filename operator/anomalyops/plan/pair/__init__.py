"""The plan of a job and its datafeed, which the rules of the server bind together."""
