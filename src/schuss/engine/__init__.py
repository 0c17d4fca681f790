"""Who computes: one contract, a readable engine in NumPy and a compiled one."""
