// Nothing to import: see hypot.c.
