"""The operator on Kubernetes: kopf events in, reconciles and statuses out."""
