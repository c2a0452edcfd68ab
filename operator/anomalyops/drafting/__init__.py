"""A job from a sentence: what is meant, which fields are meant, and the manifests. Pure, no language model."""
