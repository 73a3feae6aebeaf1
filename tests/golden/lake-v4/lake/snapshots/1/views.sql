-- Snapshot 1 of a mmindex lake: views of exactly its live rows, for DuckDB. Schema 4.
-- The paths below are relative to the lake. Either start DuckDB in the lake:
--     cd LAKE && duckdb -init snapshots/1/views.sql
-- or, from anywhere, say where it lies before reading this file:
--     SET file_search_path = 'LAKE';

CREATE OR REPLACE VIEW "files" AS
SELECT CAST(NULL AS VARCHAR) AS "root", CAST(NULL AS VARCHAR) AS "path", CAST(NULL AS BLOB) AS "path_bytes", CAST(NULL AS VARCHAR) AS "content_id", CAST(NULL AS VARCHAR) AS "modality", CAST(NULL AS VARCHAR) AS "media_type", CAST(NULL AS VARCHAR) AS "language", CAST(NULL AS BIGINT) AS "size", CAST(NULL AS BIGINT) AS "mtime_ns" WHERE false
UNION ALL BY NAME SELECT * FROM read_parquet([
    'files/part-93e6058932e72eb3.parquet'
], union_by_name = true, hive_partitioning = false);

CREATE OR REPLACE VIEW "items" AS
SELECT CAST(NULL AS BIGINT) AS "item_id", CAST(NULL AS VARCHAR) AS "root", CAST(NULL AS VARCHAR) AS "key", CAST(NULL AS VARCHAR[]) AS "labels", CAST(NULL AS VARCHAR) AS "split", CAST(NULL AS BOOLEAN) AS "has_image", CAST(NULL AS BOOLEAN) AS "has_text", CAST(NULL AS BOOLEAN) AS "has_audio", CAST(NULL AS BOOLEAN) AS "has_video" WHERE false
UNION ALL BY NAME SELECT * FROM read_parquet([
    'items/part-ea55c0c26a1d30fa.parquet'
], union_by_name = true, hive_partitioning = false);

CREATE OR REPLACE VIEW "item_files" AS
SELECT CAST(NULL AS BIGINT) AS "item_id", CAST(NULL AS VARCHAR) AS "root", CAST(NULL AS VARCHAR) AS "path", CAST(NULL AS VARCHAR) AS "content_id", CAST(NULL AS VARCHAR) AS "role" WHERE false
UNION ALL BY NAME SELECT * FROM read_parquet([
    'item_files/part-4b26306120e0453c.parquet'
], union_by_name = true, hive_partitioning = false);

CREATE OR REPLACE VIEW "quarantine" AS
SELECT CAST(NULL AS VARCHAR) AS "root", CAST(NULL AS VARCHAR) AS "path", CAST(NULL AS VARCHAR) AS "content_id", CAST(NULL AS VARCHAR) AS "source", CAST(NULL AS DOUBLE) AS "start", CAST(NULL AS DOUBLE) AS "end", CAST(NULL AS VARCHAR) AS "unit", CAST(NULL AS DOUBLE[]) AS "box", CAST(NULL AS VARCHAR) AS "stage", CAST(NULL AS VARCHAR) AS "reason", CAST(NULL AS VARCHAR) AS "message", CAST(NULL AS VARCHAR) AS "decoder", CAST(NULL AS TIMESTAMPTZ) AS "first_seen", CAST(NULL AS TIMESTAMPTZ) AS "last_seen" WHERE false
UNION ALL BY NAME SELECT * FROM read_parquet([
    'quarantine/part-127b167665b7c46e.parquet'
], union_by_name = true, hive_partitioning = false);

CREATE OR REPLACE VIEW "segments" AS
SELECT CAST(NULL AS BIGINT) AS "segment_id", CAST(NULL AS BIGINT) AS "item_id", CAST(NULL AS VARCHAR) AS "content_id", CAST(NULL AS VARCHAR) AS "source", CAST(NULL AS VARCHAR) AS "segmentation", CAST(NULL AS VARCHAR) AS "language", CAST(NULL AS DOUBLE) AS "start", CAST(NULL AS DOUBLE) AS "end", CAST(NULL AS VARCHAR) AS "unit", CAST(NULL AS DOUBLE[]) AS "box", CAST(NULL AS VARCHAR) AS "kind", CAST(NULL AS VARCHAR) AS "text", CAST(NULL AS VARCHAR) AS "modality" WHERE false
UNION ALL BY NAME SELECT *, 'image' AS modality FROM read_parquet([
    'segments/image/part-2c46c204e5b62626.parquet'
], union_by_name = true, hive_partitioning = false)
UNION ALL BY NAME SELECT *, 'text' AS modality FROM read_parquet([
    'segments/text/part-9b9ee4e2f22f1bba.parquet'
], union_by_name = true, hive_partitioning = false)
UNION ALL BY NAME SELECT *, 'audio' AS modality FROM read_parquet([
    'segments/audio/part-5ddd281e5515f21d.parquet'
], union_by_name = true, hive_partitioning = false);

CREATE OR REPLACE VIEW "embeddings_image" AS
SELECT CAST(NULL AS BIGINT) AS "segment_id", CAST(NULL AS VARCHAR) AS "content_id", CAST(NULL AS VARCHAR) AS "source", CAST(NULL AS VARCHAR) AS "segmentation", CAST(NULL AS VARCHAR) AS "language", CAST(NULL AS DOUBLE) AS "start", CAST(NULL AS DOUBLE) AS "end", CAST(NULL AS VARCHAR) AS "unit", CAST(NULL AS DOUBLE[]) AS "box", CAST(NULL AS VARCHAR) AS "kind", CAST(NULL AS VARCHAR) AS "text", CAST(NULL AS BLOB) AS "thumbnail", CAST(NULL AS FLOAT[16]) AS "vector" WHERE false
UNION ALL BY NAME SELECT * FROM (
SELECT * EXCLUDE (filename) REPLACE (CAST(vector AS FLOAT[16]) AS vector)
FROM read_parquet([
    'embeddings/image/hash-image-2e0b771d314e3945/part-c6e9bc3fe209afd5.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
SEMI JOIN (
SELECT segment_id, min(filename) AS filename FROM read_parquet([
    'embeddings/image/hash-image-2e0b771d314e3945/part-c6e9bc3fe209afd5.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
WHERE segment_id IN (SELECT segment_id FROM segments WHERE modality = 'image')
GROUP BY segment_id) AS live USING (segment_id, filename));

CREATE OR REPLACE VIEW "vectors_image" AS
SELECT segment_id, vector FROM (
SELECT * EXCLUDE (filename) REPLACE (CAST(vector AS FLOAT[16]) AS vector)
FROM read_parquet([
    'spaces/hash-text-p1/image/part-c6e9bc3fe209afd5.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
SEMI JOIN (
SELECT segment_id, min(filename) AS filename FROM read_parquet([
    'spaces/hash-text-p1/image/part-c6e9bc3fe209afd5.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
WHERE segment_id IN (SELECT segment_id FROM segments WHERE modality = 'image')
GROUP BY segment_id) AS live USING (segment_id, filename));

CREATE OR REPLACE VIEW "embeddings_text" AS
SELECT CAST(NULL AS BIGINT) AS "segment_id", CAST(NULL AS VARCHAR) AS "content_id", CAST(NULL AS VARCHAR) AS "source", CAST(NULL AS VARCHAR) AS "segmentation", CAST(NULL AS VARCHAR) AS "language", CAST(NULL AS DOUBLE) AS "start", CAST(NULL AS DOUBLE) AS "end", CAST(NULL AS VARCHAR) AS "unit", CAST(NULL AS DOUBLE[]) AS "box", CAST(NULL AS VARCHAR) AS "kind", CAST(NULL AS VARCHAR) AS "text", CAST(NULL AS BLOB) AS "thumbnail", CAST(NULL AS FLOAT[16]) AS "vector" WHERE false
UNION ALL BY NAME SELECT * FROM (
SELECT * EXCLUDE (filename) REPLACE (CAST(vector AS FLOAT[16]) AS vector)
FROM read_parquet([
    'embeddings/text/hash-text-77b51165bd7d93e2/part-50d0d4b51758febb.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
SEMI JOIN (
SELECT segment_id, min(filename) AS filename FROM read_parquet([
    'embeddings/text/hash-text-77b51165bd7d93e2/part-50d0d4b51758febb.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
WHERE segment_id IN (SELECT segment_id FROM segments WHERE modality = 'text')
GROUP BY segment_id) AS live USING (segment_id, filename));

CREATE OR REPLACE VIEW "vectors_text" AS
SELECT segment_id, vector FROM (
SELECT * EXCLUDE (filename) REPLACE (CAST(vector AS FLOAT[16]) AS vector)
FROM read_parquet([
    'spaces/hash-text-p1/text/part-50d0d4b51758febb.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
SEMI JOIN (
SELECT segment_id, min(filename) AS filename FROM read_parquet([
    'spaces/hash-text-p1/text/part-50d0d4b51758febb.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
WHERE segment_id IN (SELECT segment_id FROM segments WHERE modality = 'text')
GROUP BY segment_id) AS live USING (segment_id, filename));

CREATE OR REPLACE VIEW "embeddings_audio" AS
SELECT CAST(NULL AS BIGINT) AS "segment_id", CAST(NULL AS VARCHAR) AS "content_id", CAST(NULL AS VARCHAR) AS "source", CAST(NULL AS VARCHAR) AS "segmentation", CAST(NULL AS VARCHAR) AS "language", CAST(NULL AS DOUBLE) AS "start", CAST(NULL AS DOUBLE) AS "end", CAST(NULL AS VARCHAR) AS "unit", CAST(NULL AS DOUBLE[]) AS "box", CAST(NULL AS VARCHAR) AS "kind", CAST(NULL AS VARCHAR) AS "text", CAST(NULL AS BLOB) AS "thumbnail", CAST(NULL AS FLOAT[16]) AS "vector" WHERE false
UNION ALL BY NAME SELECT * FROM (
SELECT * EXCLUDE (filename) REPLACE (CAST(vector AS FLOAT[16]) AS vector)
FROM read_parquet([
    'embeddings/audio/hash-audio-a2997b0b1a41c85d/part-281d0e5999647bf2.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
SEMI JOIN (
SELECT segment_id, min(filename) AS filename FROM read_parquet([
    'embeddings/audio/hash-audio-a2997b0b1a41c85d/part-281d0e5999647bf2.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
WHERE segment_id IN (SELECT segment_id FROM segments WHERE modality = 'audio')
GROUP BY segment_id) AS live USING (segment_id, filename));

CREATE OR REPLACE VIEW "vectors_audio" AS
SELECT segment_id, vector FROM (
SELECT * EXCLUDE (filename) REPLACE (CAST(vector AS FLOAT[16]) AS vector)
FROM read_parquet([
    'embeddings/audio/hash-audio-a2997b0b1a41c85d/part-281d0e5999647bf2.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
SEMI JOIN (
SELECT segment_id, min(filename) AS filename FROM read_parquet([
    'embeddings/audio/hash-audio-a2997b0b1a41c85d/part-281d0e5999647bf2.parquet'
], union_by_name = true, hive_partitioning = false, filename = true)
WHERE segment_id IN (SELECT segment_id FROM segments WHERE modality = 'audio')
GROUP BY segment_id) AS live USING (segment_id, filename));

CREATE OR REPLACE VIEW "fused" AS
SELECT * REPLACE (CAST(vector AS FLOAT[16]) AS vector)
FROM read_parquet([
    'fused/hash-text-p1-4be2a51609307a81/part-8bd972629491deca.parquet'
], union_by_name = true, hive_partitioning = false)
WHERE item_id IN (SELECT item_id FROM items);
