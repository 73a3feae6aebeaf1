"""What is kept: Parquet tables, FAISS indexes, snapshots; no torch, no Prefect."""
