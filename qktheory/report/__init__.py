"""Documents from results: JSON, tables and pages."""
