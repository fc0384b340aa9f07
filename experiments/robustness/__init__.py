"""How far each claim of the report holds when one setting after another is changed."""
