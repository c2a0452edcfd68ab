"""The validating webhook: what a manifest is refused for that CEL cannot see."""
