-- Every query of the library (knowledge, precedents, vectors, spending, decided drafts), by name. Parameters are :named.

-- name: put_document
INSERT INTO documents (name, hash, passages) VALUES (:name, :hash, :passages)
ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, passages = excluded.passages;

-- name: remove_document
DELETE FROM documents WHERE name = :name;

-- name: documents
SELECT name, hash, passages FROM documents ORDER BY name;

-- name: add_passage
INSERT INTO passages (id, document, heading, text, words) VALUES (:id, :document, :heading, :text, :words);

-- name: remove_passages
DELETE FROM passages WHERE document = :document;

-- name: remove_vectors_of_document
DELETE FROM vectors WHERE shelf = 'passages' AND item IN (SELECT id FROM passages WHERE document = :document);

-- name: passages
SELECT id, document, heading, text FROM passages WHERE id IN (SELECT value FROM json_each(:ids));

-- name: put_precedent
INSERT INTO precedents (id, category, question, final, draft, customer, corrected, at, words)
VALUES (:id, :category, :question, :final, :draft, :customer, :corrected, :at, :words)
ON CONFLICT (id) DO UPDATE SET category = excluded.category, question = excluded.question, final = excluded.final,
    draft = excluded.draft, customer = excluded.customer, corrected = excluded.corrected, at = excluded.at, words = excluded.words;

-- name: remove_precedent
DELETE FROM precedents WHERE id = :id;

-- name: remove_vectors_of_item
DELETE FROM vectors WHERE shelf = :shelf AND item = :item;

-- name: precedents
SELECT id, category, question, final, draft, customer, at FROM precedents WHERE id IN (SELECT value FROM json_each(:ids));

-- name: count_passages
SELECT count(*) AS n FROM passages;

-- name: count_precedents
SELECT count(*) AS n FROM precedents;

-- name: passages_search
CREATE VIRTUAL TABLE passages_fts USING fts5(words, content='passages', content_rowid='rowid',
    tokenize="unicode61 remove_diacritics 0 categories 'L* N* M* Co'");

-- name: passages_search_adds
CREATE TRIGGER passages_ai AFTER INSERT ON passages BEGIN
  INSERT INTO passages_fts (rowid, words) VALUES (new.rowid, new.words);
END;

-- name: passages_search_removes
CREATE TRIGGER passages_ad AFTER DELETE ON passages BEGIN
  INSERT INTO passages_fts (passages_fts, rowid, words) VALUES ('delete', old.rowid, old.words);
END;

-- name: passages_search_replaces
CREATE TRIGGER passages_au AFTER UPDATE ON passages BEGIN
  INSERT INTO passages_fts (passages_fts, rowid, words) VALUES ('delete', old.rowid, old.words);
  INSERT INTO passages_fts (rowid, words) VALUES (new.rowid, new.words);
END;

-- name: precedents_search
CREATE VIRTUAL TABLE precedents_fts USING fts5(words, content='precedents', content_rowid='rowid',
    tokenize="unicode61 remove_diacritics 0 categories 'L* N* M* Co'");

-- name: precedents_search_adds
CREATE TRIGGER precedents_ai AFTER INSERT ON precedents BEGIN
  INSERT INTO precedents_fts (rowid, words) VALUES (new.rowid, new.words);
END;

-- name: precedents_search_removes
CREATE TRIGGER precedents_ad AFTER DELETE ON precedents BEGIN
  INSERT INTO precedents_fts (precedents_fts, rowid, words) VALUES ('delete', old.rowid, old.words);
END;

-- name: precedents_search_replaces
CREATE TRIGGER precedents_au AFTER UPDATE ON precedents BEGIN
  INSERT INTO precedents_fts (precedents_fts, rowid, words) VALUES ('delete', old.rowid, old.words);
  INSERT INTO precedents_fts (rowid, words) VALUES (new.rowid, new.words);
END;

-- name: passages_vocabulary
CREATE VIRTUAL TABLE passages_terms USING fts5vocab('passages_fts', 'row');

-- name: precedents_vocabulary
CREATE VIRTUAL TABLE precedents_terms USING fts5vocab('precedents_fts', 'row');

-- name: frequencies_passages
SELECT term, doc FROM passages_terms WHERE term IN (SELECT value FROM json_each(:terms));

-- name: frequencies_precedents
SELECT term, doc FROM precedents_terms WHERE term IN (SELECT value FROM json_each(:terms));

-- name: search_passages
SELECT passages.id, -bm25(passages_fts) AS score
  FROM passages_fts JOIN passages ON passages.rowid = passages_fts.rowid
 WHERE passages_fts MATCH :match ORDER BY bm25(passages_fts), passages.id LIMIT :limit;

-- name: search_precedents
SELECT precedents.id, -bm25(precedents_fts) AS score
  FROM precedents_fts JOIN precedents ON precedents.rowid = precedents_fts.rowid
 WHERE precedents_fts MATCH :match AND (:corrected = 0 OR precedents.corrected = 1)
 ORDER BY bm25(precedents_fts), precedents.at DESC, precedents.id LIMIT :limit;

-- name: passages_without_vector
SELECT id, heading || ': ' || text AS content FROM passages
 WHERE NOT EXISTS (SELECT 1 FROM vectors WHERE shelf = 'passages' AND item = passages.id AND model = :model)
 ORDER BY rowid LIMIT :limit;

-- name: precedents_without_vector
SELECT id, question AS content FROM precedents
 WHERE NOT EXISTS (SELECT 1 FROM vectors WHERE shelf = 'precedents' AND item = precedents.id AND model = :model)
 ORDER BY rowid LIMIT :limit;

-- name: tick
INSERT INTO counters (name, value) VALUES (:name, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1;

-- name: put_vector
INSERT INTO vectors (shelf, item, model, seq, hex)
VALUES (:shelf, :item, :model, (SELECT value FROM counters WHERE name = 'vectors'), :hex)
ON CONFLICT (shelf, item, model) DO UPDATE SET seq = excluded.seq, hex = excluded.hex;

-- name: vectors
SELECT item, seq, hex FROM vectors WHERE shelf = :shelf AND model = :model AND seq > :after ORDER BY seq;

-- name: vector_state
SELECT (SELECT count(*) FROM vectors WHERE shelf = :shelf AND model = :model) AS n,
       coalesce((SELECT value FROM counters WHERE name = 'vectors'), 0) AS changes;

-- name: spent
SELECT cost, tokens FROM spending WHERE day = :day;

-- name: spend
INSERT INTO spending (day, cost, tokens) VALUES (:day, :cost, :tokens)
ON CONFLICT (day) DO UPDATE SET cost = cost + excluded.cost, tokens = tokens + excluded.tokens;

-- name: put_draft
INSERT INTO drafts (id, category, features, confidence, at, was_right, settled_at)
VALUES (:id, :category, :features, :confidence, :at, NULL, NULL)
ON CONFLICT (id) DO NOTHING;

-- name: settle
UPDATE drafts SET was_right = :was_right, settled_at = :at WHERE id = :id AND was_right IS NULL;

-- name: outcomes
SELECT id, category, features, confidence, was_right FROM drafts
 WHERE was_right IS NOT NULL AND (:category IS NULL OR category = :category)
 ORDER BY settled_at DESC, id DESC LIMIT :limit;
