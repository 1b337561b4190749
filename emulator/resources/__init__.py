"""The handlers of the service's operations: one module for each noun, one method for each operation."""
