"""The catalogue of claims: theorems in checkable form, one module a theorem."""
