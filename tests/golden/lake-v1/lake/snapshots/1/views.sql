-- Snapshot 1 of a mmindex lake: views of exactly its live rows, for DuckDB.
-- The paths below are relative to the lake. Either start DuckDB in the lake:
--     cd LAKE && duckdb -init snapshots/1/views.sql
-- or, from anywhere, say where it lies before reading this file:
--     SET file_search_path = 'LAKE';

CREATE OR REPLACE VIEW "files" AS
SELECT * FROM read_parquet([
    'files/part-1b335423f3279f90.parquet'
], union_by_name = true, hive_partitioning = false);

CREATE OR REPLACE VIEW "items" AS
SELECT * FROM read_parquet([
    'items/part-e107c04992ed2c1c.parquet'
], union_by_name = true, hive_partitioning = false);

CREATE OR REPLACE VIEW "item_files" AS
SELECT * FROM read_parquet([
    'item_files/part-c69e56672f249c75.parquet'
], union_by_name = true, hive_partitioning = false);

CREATE OR REPLACE VIEW "quarantine" AS
SELECT * FROM read_parquet([
    'quarantine/part-b4f266d3c743f5d7.parquet'
], union_by_name = true, hive_partitioning = false);

CREATE OR REPLACE VIEW "segments" AS
SELECT *, 'image' AS modality FROM read_parquet([
    'segments/image/part-0ae0b0f0f17a9a4a.parquet'
], union_by_name = true, hive_partitioning = false)
UNION ALL BY NAME SELECT *, 'text' AS modality FROM read_parquet([
    'segments/text/part-47d0144a1dd87fd5.parquet'
], union_by_name = true, hive_partitioning = false);

CREATE OR REPLACE VIEW "embeddings_image" AS
SELECT * FROM (
SELECT * EXCLUDE (filename) REPLACE (CAST(vector AS FLOAT[16]) AS vector)
FROM read_parquet([
    'embeddings/image/hash-image-da96e8fe6d00bfff/part-9dfeb94a2352d830.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
SEMI JOIN (
SELECT segment_id, min(filename) AS filename FROM read_parquet([
    'embeddings/image/hash-image-da96e8fe6d00bfff/part-9dfeb94a2352d830.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
WHERE segment_id IN (SELECT segment_id FROM segments WHERE modality = 'image')
GROUP BY segment_id) AS live USING (segment_id, filename));

CREATE OR REPLACE VIEW "vectors_image" AS
SELECT segment_id, vector FROM (
SELECT * EXCLUDE (filename) REPLACE (CAST(vector AS FLOAT[16]) AS vector)
FROM read_parquet([
    'spaces/hash-text-p1/image/part-9dfeb94a2352d830.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
SEMI JOIN (
SELECT segment_id, min(filename) AS filename FROM read_parquet([
    'spaces/hash-text-p1/image/part-9dfeb94a2352d830.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
WHERE segment_id IN (SELECT segment_id FROM segments WHERE modality = 'image')
GROUP BY segment_id) AS live USING (segment_id, filename));

CREATE OR REPLACE VIEW "embeddings_text" AS
SELECT * FROM (
SELECT * EXCLUDE (filename) REPLACE (CAST(vector AS FLOAT[16]) AS vector)
FROM read_parquet([
    'embeddings/text/hash-text-b792dadf322c908c/part-071eb674b1925b24.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
SEMI JOIN (
SELECT segment_id, min(filename) AS filename FROM read_parquet([
    'embeddings/text/hash-text-b792dadf322c908c/part-071eb674b1925b24.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
WHERE segment_id IN (SELECT segment_id FROM segments WHERE modality = 'text')
GROUP BY segment_id) AS live USING (segment_id, filename));

CREATE OR REPLACE VIEW "vectors_text" AS
SELECT segment_id, vector FROM (
SELECT * EXCLUDE (filename) REPLACE (CAST(vector AS FLOAT[16]) AS vector)
FROM read_parquet([
    'spaces/hash-text-p1/text/part-071eb674b1925b24.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
SEMI JOIN (
SELECT segment_id, min(filename) AS filename FROM read_parquet([
    'spaces/hash-text-p1/text/part-071eb674b1925b24.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
WHERE segment_id IN (SELECT segment_id FROM segments WHERE modality = 'text')
GROUP BY segment_id) AS live USING (segment_id, filename));

CREATE OR REPLACE VIEW "fused" AS
SELECT * REPLACE (CAST(vector AS FLOAT[16]) AS vector)
FROM read_parquet([
    'fused/hash-text-p1-4be2a51609307a81/part-7622cea28d79746f.parquet'
], union_by_name = true, hive_partitioning = false)
WHERE item_id IN (SELECT item_id FROM items);
