"""ES|QL, lowered to typed expressions: `answer` runs a statement, `read_parameters` reads what it is given."""
