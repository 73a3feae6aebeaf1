"""`mmindex up`: a Prefect server, a worker and the deployments, in one command."""
