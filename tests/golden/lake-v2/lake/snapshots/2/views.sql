-- Snapshot 2 of a mmindex lake: views of exactly its live rows, for DuckDB.
-- The paths below are relative to the lake. Either start DuckDB in the lake:
--     cd LAKE && duckdb -init snapshots/2/views.sql
-- or, from anywhere, say where it lies before reading this file:
--     SET file_search_path = 'LAKE';

CREATE OR REPLACE VIEW "files" AS
SELECT * FROM read_parquet([
    'files/part-66c7de2f1b17d773.parquet'
], union_by_name = true, hive_partitioning = false);

CREATE OR REPLACE VIEW "items" AS
SELECT * FROM read_parquet([
    'items/part-9165cf64aae41512.parquet'
], union_by_name = true, hive_partitioning = false);

CREATE OR REPLACE VIEW "item_files" AS
SELECT * FROM read_parquet([
    'item_files/part-7cb0a38e55c31eff.parquet'
], union_by_name = true, hive_partitioning = false);

CREATE OR REPLACE VIEW "quarantine" AS
SELECT * FROM read_parquet([
    'quarantine/part-9dfbef140244add8.parquet'
], union_by_name = true, hive_partitioning = false);

CREATE OR REPLACE VIEW "segments" AS
SELECT *, 'image' AS modality FROM read_parquet([
    'segments/image/part-a4d8acd471ba9812.parquet'
], union_by_name = true, hive_partitioning = false)
UNION ALL BY NAME SELECT *, 'text' AS modality FROM read_parquet([
    'segments/text/part-92580410147c2fbc.parquet'
], union_by_name = true, hive_partitioning = false)
UNION ALL BY NAME SELECT *, 'audio' AS modality FROM read_parquet([
    'segments/audio/part-6d12c7c8cc83bbd4.parquet'
], union_by_name = true, hive_partitioning = false);

CREATE OR REPLACE VIEW "embeddings_image" AS
SELECT * FROM (
SELECT * EXCLUDE (filename) REPLACE (CAST(vector AS FLOAT[16]) AS vector)
FROM read_parquet([
    'embeddings/image/hash-image-0f1f5f48609488ed/part-9d2e25f852c9134c.parquet',
    'embeddings/image/hash-image-0f1f5f48609488ed/part-b798a1ae40fd300b.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
SEMI JOIN (
SELECT segment_id, min(filename) AS filename FROM read_parquet([
    'embeddings/image/hash-image-0f1f5f48609488ed/part-9d2e25f852c9134c.parquet',
    'embeddings/image/hash-image-0f1f5f48609488ed/part-b798a1ae40fd300b.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
WHERE segment_id IN (SELECT segment_id FROM segments WHERE modality = 'image')
GROUP BY segment_id) AS live USING (segment_id, filename));

CREATE OR REPLACE VIEW "vectors_image" AS
SELECT segment_id, vector FROM (
SELECT * EXCLUDE (filename) REPLACE (CAST(vector AS FLOAT[16]) AS vector)
FROM read_parquet([
    'spaces/hash-text-p2/image/part-9d2e25f852c9134c.parquet',
    'spaces/hash-text-p2/image/part-b798a1ae40fd300b.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
SEMI JOIN (
SELECT segment_id, min(filename) AS filename FROM read_parquet([
    'spaces/hash-text-p2/image/part-9d2e25f852c9134c.parquet',
    'spaces/hash-text-p2/image/part-b798a1ae40fd300b.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
WHERE segment_id IN (SELECT segment_id FROM segments WHERE modality = 'image')
GROUP BY segment_id) AS live USING (segment_id, filename));

CREATE OR REPLACE VIEW "embeddings_text" AS
SELECT * FROM (
SELECT * EXCLUDE (filename) REPLACE (CAST(vector AS FLOAT[16]) AS vector)
FROM read_parquet([
    'embeddings/text/hash-text-f7b7b36d119e5b88/part-caaf241fbc72e885.parquet',
    'embeddings/text/hash-text-f7b7b36d119e5b88/part-f4e843e416b822aa.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
SEMI JOIN (
SELECT segment_id, min(filename) AS filename FROM read_parquet([
    'embeddings/text/hash-text-f7b7b36d119e5b88/part-caaf241fbc72e885.parquet',
    'embeddings/text/hash-text-f7b7b36d119e5b88/part-f4e843e416b822aa.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
WHERE segment_id IN (SELECT segment_id FROM segments WHERE modality = 'text')
GROUP BY segment_id) AS live USING (segment_id, filename));

CREATE OR REPLACE VIEW "vectors_text" AS
SELECT segment_id, vector FROM (
SELECT * EXCLUDE (filename) REPLACE (CAST(vector AS FLOAT[16]) AS vector)
FROM read_parquet([
    'spaces/hash-text-p2/text/part-caaf241fbc72e885.parquet',
    'spaces/hash-text-p2/text/part-f4e843e416b822aa.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
SEMI JOIN (
SELECT segment_id, min(filename) AS filename FROM read_parquet([
    'spaces/hash-text-p2/text/part-caaf241fbc72e885.parquet',
    'spaces/hash-text-p2/text/part-f4e843e416b822aa.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
WHERE segment_id IN (SELECT segment_id FROM segments WHERE modality = 'text')
GROUP BY segment_id) AS live USING (segment_id, filename));

CREATE OR REPLACE VIEW "embeddings_audio" AS
SELECT * FROM (
SELECT * EXCLUDE (filename) REPLACE (CAST(vector AS FLOAT[16]) AS vector)
FROM read_parquet([
    'embeddings/audio/hash-audio-ef3fc116d71169b5/part-bcc3c9e8e371983b.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
SEMI JOIN (
SELECT segment_id, min(filename) AS filename FROM read_parquet([
    'embeddings/audio/hash-audio-ef3fc116d71169b5/part-bcc3c9e8e371983b.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
WHERE segment_id IN (SELECT segment_id FROM segments WHERE modality = 'audio')
GROUP BY segment_id) AS live USING (segment_id, filename));

CREATE OR REPLACE VIEW "vectors_audio" AS
SELECT segment_id, vector FROM (
SELECT * EXCLUDE (filename) REPLACE (CAST(vector AS FLOAT[16]) AS vector)
FROM read_parquet([
    'embeddings/audio/hash-audio-ef3fc116d71169b5/part-bcc3c9e8e371983b.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
SEMI JOIN (
SELECT segment_id, min(filename) AS filename FROM read_parquet([
    'embeddings/audio/hash-audio-ef3fc116d71169b5/part-bcc3c9e8e371983b.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
WHERE segment_id IN (SELECT segment_id FROM segments WHERE modality = 'audio')
GROUP BY segment_id) AS live USING (segment_id, filename));

CREATE OR REPLACE VIEW "fused" AS
SELECT * REPLACE (CAST(vector AS FLOAT[16]) AS vector)
FROM read_parquet([
    'fused/hash-text-p2-4be2a51609307a81/part-13456e4e3b752bee.parquet'
], union_by_name = true, hive_partitioning = false)
WHERE item_id IN (SELECT item_id FROM items);
