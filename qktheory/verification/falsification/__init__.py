"""The search for inputs that bring a claim to its limits, or break it."""
