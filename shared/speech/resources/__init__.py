"""The operations of the API, one module for each noun; methods are named after the operation ids."""
