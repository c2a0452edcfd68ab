"""Log categorization: messages that one statement of a program wrote share a category."""
