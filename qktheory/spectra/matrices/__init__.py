"""Models of W, one file each, registered in `qktheory.spectra.matrix_model.MATRIX_MODELS`."""
