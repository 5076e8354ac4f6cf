"""Ground floor: declared parameters, registries and the wording of errors."""
