"""The resources of a cluster as a person reaches them, through a kubeconfig: looked at, and asked to act."""
