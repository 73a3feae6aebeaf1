"""What is answered, as data: each model is documented in the OpenAPI page."""
