"""Ready-made jobs: what they are for, which fields they read, and the manifests that they become."""
