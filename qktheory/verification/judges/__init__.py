"""The rules of the verdict, one file for each kind of claim."""
