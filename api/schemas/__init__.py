"""What requests and responses look like, with the examples that the OpenAPI page shows."""
