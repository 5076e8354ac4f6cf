"""Numerics: laws of Gaussian sums and quadratic forms, averages of softmax rows.

Pure functions of numbers; nothing here knows an Ensemble or a claim. Import from the modules:
`normal`, `quadratic_form`, `bilinear_form`, `concentrated`, `aliveness`, `iid_row`,
`gaussian_query`.
"""
