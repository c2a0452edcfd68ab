"""What rows of text hold: delimited text, JSON and log lines, read row by row, and the types that their values are."""
