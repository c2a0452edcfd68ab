"""The command line: arguments in, text, JSON and exit codes out."""
