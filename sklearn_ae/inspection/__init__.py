"""Why rows are strange: the cells that make them so."""
