"""Token laws, one file each; every file registers itself in `qktheory.tokens.law.TOKEN_LAWS`."""
