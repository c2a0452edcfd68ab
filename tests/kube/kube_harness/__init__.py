"""A real kube-apiserver and etcd as plain processes, and what stands around them in these tests."""
