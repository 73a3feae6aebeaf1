"""FAISS indexes whose ids are the rows' own ids."""
