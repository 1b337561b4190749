"""The service's definitions as pydantic models, one module for each noun."""
