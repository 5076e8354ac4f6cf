"""Numerics: laws of Gaussian sums and quadratic forms, averages of softmax rows.

Pure functions of numbers; nothing here knows an Ensemble or a claim. Import from the modules:
`normal`, `quadratic_form`, `bilinear_form`, `concentrated`, `aliveness`, `gaussian_row`, `iid_row`,
`gaussian_query`, `row_overlap` and others.
"""
