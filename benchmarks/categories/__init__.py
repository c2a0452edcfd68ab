"""Log categorization: grouping accuracy on logs of known statements, and speed."""
