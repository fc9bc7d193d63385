"""What Amazon allows: one module per noun, one function per operation."""
