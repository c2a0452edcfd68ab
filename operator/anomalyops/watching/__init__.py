"""What the cluster tells and what is written into it: the Kubernetes API, the objects, the queue of work."""
