"""The control plane for files on disk: manifests to pairs, applying, ingesting, reading what was found."""
