"""Dropscribe: what is deployed to Azure Functions."""
