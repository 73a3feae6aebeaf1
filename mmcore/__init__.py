"""What is computed: media, encoders, fusion, training, search, evaluation; no Prefect."""
