"""What is wrong with what was asked of a cluster, in words."""


class ClusterError(Exception):
    """Something that the cluster does not have or does not allow; the message says what."""
