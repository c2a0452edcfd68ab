"""The operator with many pairs, on a real kube-apiserver and the engine."""
