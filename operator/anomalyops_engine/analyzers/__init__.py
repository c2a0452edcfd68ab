"""What makes words of texts: analyzers and their parts, and the words that statements of programs are made of."""
