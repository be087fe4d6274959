"""Rules that hold across files: the words around the code say what the code does."""
