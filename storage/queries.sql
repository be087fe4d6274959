-- Every query of the store, by name. Parameters are :named. The same text serves each database.

-- name: add_proposal
INSERT INTO proposals (id, agent, idempotency_key, body_hash, salt, kind, category, state, revision, digest, version,
                       connector, recipient, conversation_id, confidence, in_scope, created_at, expires_at, document, progress)
VALUES (:id, :agent, :idempotency_key, :body_hash, :salt, :kind, :category, :state, :revision, :digest, :version,
        :connector, :recipient, :conversation_id, :confidence, :in_scope, :created_at, :expires_at, :document, :progress);

-- name: swap_proposal
UPDATE proposals
   SET state = :state, revision = :revision, digest = :digest, version = :version, expires_at = :expires_at, progress = :progress
 WHERE id = :id AND state = :was_state AND revision = :was_revision AND digest = :was_digest AND version = :was_version;

-- name: proposal
SELECT * FROM proposals WHERE id = :id;

-- name: outline
SELECT id, agent, kind, category, state, revision, digest, version, connector, recipient, conversation_id, confidence, in_scope,
       created_at, expires_at, json_remove(progress, '$.follow_ups') AS progress,
       json_replace(document, '$.evidence', json('[]'), '$.conversation.messages', json((
           SELECT json_group_array(json_array('customer', substr(json_extract(value, '$[1]'), 1, 4000), json_extract(value, '$[2]')))
             FROM (SELECT value FROM json_each(document, '$.conversation.messages')
                    WHERE json_extract(value, '$[0]') = 'customer' ORDER BY key DESC LIMIT 1)
       ))) AS document
  FROM proposals WHERE id = :id;

-- name: submitted
SELECT id, body_hash FROM proposals WHERE agent = :agent AND idempotency_key = :key;

-- name: salt
SELECT salt FROM proposals WHERE id = :id;

-- name: find
SELECT id FROM proposals
 WHERE (:states = '' OR instr(:states, ',' || state || ',') > 0)
   AND (:category IS NULL OR category = :category)
   AND (:agent IS NULL OR agent = :agent)
   AND (:cursor IS NULL OR id < :cursor)
 ORDER BY id DESC LIMIT :limit;

-- name: waiting
SELECT id FROM proposals WHERE state IN ('pending', 'escalated') ORDER BY expires_at, id LIMIT :limit;

-- name: waiting_in_all
SELECT count(*) AS n FROM proposals WHERE state IN ('pending', 'escalated');

-- name: state_sizes
SELECT state, count(*) AS n FROM proposals GROUP BY state;

-- name: waiting_of
SELECT count(*) AS n FROM proposals WHERE agent = :agent AND state IN ('pending', 'escalated');

-- name: overdue
SELECT id FROM proposals WHERE state IN ('pending', 'escalated') AND expires_at <= :now ORDER BY expires_at LIMIT :limit;

-- name: next_expiry
SELECT min(expires_at) AS at FROM proposals WHERE state IN ('pending', 'escalated');

-- name: conversation_proposals
SELECT * FROM proposals WHERE conversation_id = :conversation_id ORDER BY id DESC LIMIT :limit;

-- name: open_in
SELECT * FROM proposals
 WHERE conversation_id = :conversation_id AND state NOT IN ('executed', 'cancelled', 'expired') ORDER BY id DESC;

-- name: add_revision
INSERT INTO revisions (proposal_id, number, digest, content, author_kind, author_id, author_name, reason, at)
VALUES (:proposal_id, :number, :digest, :content, :author_kind, :author_id, :author_name, :reason, :at);

-- name: revisions
SELECT * FROM revisions WHERE proposal_id = :proposal_id ORDER BY number;

-- name: add_decision
INSERT INTO decisions (proposal_id, kind, revision, actor_kind, actor_id, actor_name, reason, at)
VALUES (:proposal_id, :kind, :revision, :actor_kind, :actor_id, :actor_name, :reason, :at);

-- name: decisions
SELECT * FROM decisions WHERE proposal_id = :proposal_id ORDER BY id;

-- name: enqueue
INSERT INTO outbox (id, kind, lane, proposal_id, payload, coalesce, state, queued_at, due_at, attempts)
VALUES (:id, :kind, :lane, :proposal_id, :payload, :coalesce, 'ready', :due_at, :due_at, 0)
    ON CONFLICT (id) DO UPDATE SET state = 'ready', due_at = excluded.due_at, payload = excluded.payload, attempts = 0, error = NULL
    WHERE outbox.state = 'dead';

-- name: coalesce
UPDATE outbox SET due_at = CASE WHEN due_at > :due_at THEN :due_at ELSE due_at END
 WHERE coalesce = :coalesce AND lane = :lane AND state = 'ready';

-- What stands before an errand in its lane, and may not be overtaken: what is under way, what is due, what was tried and
-- waits to be tried again; and a decision in its time to be undone, except for what is known to be of another conversation.
-- name: lane_heads
SELECT o.*, o.state = 'leased' AS interrupted,
       EXISTS (SELECT 1 FROM outbox n WHERE n.lane = o.lane AND n.seq > o.seq AND n.state = 'ready') AS more
  FROM outbox o LEFT JOIN lanes l ON l.lane = o.lane
 WHERE o.state IN ('ready', 'leased') AND o.due_at <= :now
   AND (o.state = 'ready' OR o.leased_until <= :now)
   AND (l.held_until IS NULL OR l.held_until <= :now)
   AND (o.kind NOT IN ('execute', 'speak', 'go_ahead') OR NOT EXISTS (SELECT 1 FROM paused))
   AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.lane = o.lane AND p.seq <> o.seq AND p.state IN ('ready', 'leased')
                      AND ((p.state = 'leased' AND p.leased_until > :now)
                           OR (p.seq < o.seq
                               AND (p.state = 'leased' OR p.due_at <= :now
                                    OR (p.coalesce IS NULL AND (p.attempts > 0 OR NOT EXISTS (
                                            SELECT 1 FROM proposals a JOIN proposals b ON b.conversation_id <> a.conversation_id
                                             WHERE a.id = p.proposal_id AND b.id = o.proposal_id))))
                               AND (p.kind NOT IN ('execute', 'speak', 'go_ahead') OR NOT EXISTS (SELECT 1 FROM paused)))))
 ORDER BY o.seq LIMIT :limit;

-- name: lane_followers
SELECT *, 0 AS interrupted FROM outbox o
 WHERE lane = :lane AND seq > :seq AND state = 'ready' AND due_at <= :now
   AND (kind NOT IN ('execute', 'speak', 'go_ahead') OR NOT EXISTS (SELECT 1 FROM paused))
   AND NOT EXISTS (SELECT 1 FROM lanes l WHERE l.lane = :lane AND l.held_until > :now)
   AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.lane = o.lane AND p.seq <> :seq AND p.seq < o.seq
                      AND (p.state = 'leased'
                           OR (p.state = 'ready' AND p.due_at > :now AND p.coalesce IS NULL
                               AND (p.attempts > 0 OR NOT EXISTS (
                                       SELECT 1 FROM proposals a JOIN proposals b ON b.conversation_id <> a.conversation_id
                                        WHERE a.id = p.proposal_id AND b.id = o.proposal_id))))
                      AND (p.kind NOT IN ('execute', 'speak', 'go_ahead') OR NOT EXISTS (SELECT 1 FROM paused)))
 ORDER BY seq LIMIT :limit;

-- name: lane_waits
SELECT 1 FROM outbox WHERE lane = :lane AND state IN ('ready', 'leased') LIMIT 1;

-- name: lease
UPDATE outbox SET state = 'leased', leased_by = :owner, leased_until = :until, attempts = attempts + 1 WHERE seq = :seq;

-- name: done
DELETE FROM outbox WHERE id = :id;

-- name: postpone
UPDATE outbox SET state = 'ready', leased_by = NULL, leased_until = NULL, due_at = :due_at, error = :error,
       payload = coalesce(:payload, payload)
 WHERE id = :id;

-- name: release
UPDATE outbox SET state = 'ready', leased_by = NULL, leased_until = NULL, attempts = attempts - 1 WHERE id = :id;

-- name: bury
UPDATE outbox SET state = 'dead', leased_by = NULL, leased_until = NULL, error = :error WHERE id = :id;

-- name: recall
DELETE FROM outbox WHERE proposal_id = :proposal_id AND kind = 'execute' AND state = 'ready' AND attempts = 0;

-- name: abandon_leases
UPDATE outbox SET leased_until = :now WHERE state = 'leased' AND leased_until > :now;

-- name: next_due
SELECT min(CASE WHEN o.state = 'leased' THEN o.leased_until
                WHEN l.held_until IS NOT NULL AND l.held_until > o.due_at THEN l.held_until ELSE o.due_at END) AS at
  FROM outbox o LEFT JOIN lanes l ON l.lane = o.lane
 WHERE o.state IN ('ready', 'leased') AND (o.kind NOT IN ('execute', 'speak', 'go_ahead') OR NOT EXISTS (SELECT 1 FROM paused))
   AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.lane = o.lane AND p.seq <> o.seq AND p.state IN ('ready', 'leased')
                      AND ((o.state = 'ready' AND p.state = 'leased' AND p.leased_until > o.due_at)
                           OR (p.seq < o.seq
                               AND (p.state = 'leased' OR p.due_at <= o.due_at
                                    OR (p.coalesce IS NULL AND (p.attempts > 0 OR NOT EXISTS (
                                            SELECT 1 FROM proposals a JOIN proposals b ON b.conversation_id <> a.conversation_id
                                             WHERE a.id = p.proposal_id AND b.id = o.proposal_id))))
                               AND (p.kind NOT IN ('execute', 'speak', 'go_ahead') OR NOT EXISTS (SELECT 1 FROM paused)))));

-- name: due_later
SELECT seq, due_at, leased_until FROM outbox WHERE state IN ('ready', 'leased') AND (due_at > :now OR leased_until > :now);

-- name: set_times
UPDATE outbox SET due_at = :due_at, leased_until = :leased_until WHERE seq = :seq;

-- name: held_lanes
SELECT lane, held_until FROM lanes WHERE held_until > :now;

-- name: outbox_size
SELECT state, count(*) AS n FROM outbox GROUP BY state;

-- name: hold_lane
INSERT INTO lanes (lane, held_until) VALUES (:lane, :until) ON CONFLICT (lane) DO UPDATE SET held_until = excluded.held_until;

-- name: add_receipt
INSERT INTO receipts (errand_id, proposal_id, room, channel, ts) VALUES (:errand_id, :proposal_id, :room, :channel, :ts)
    ON CONFLICT (errand_id) DO UPDATE SET channel = excluded.channel, ts = excluded.ts;

-- name: receipts
SELECT * FROM receipts WHERE proposal_id = :proposal_id ORDER BY errand_id;

-- name: proposal_of_message
SELECT proposal_id FROM receipts WHERE channel = :channel AND ts = :ts;

-- name: message_proposals
SELECT proposal_id FROM receipts WHERE channel = :channel AND ts = :ts AND proposal_id IS NOT NULL ORDER BY errand_id;

-- name: settings
SELECT s.* FROM settings s WHERE s.version = (SELECT max(t.version) FROM settings t WHERE t.category = s.category);

-- name: setting_history
SELECT * FROM settings WHERE category = :category ORDER BY version DESC LIMIT :limit;

-- name: add_setting
INSERT INTO settings (category, mode, threshold, actor_kind, actor_id, actor_name, at, reason, source)
VALUES (:category, :mode, :threshold, :actor_kind, :actor_id, :actor_name, :at, :reason, :source);

-- name: keep
INSERT INTO kept (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: kept
SELECT value FROM kept WHERE name = :name;

-- name: paused
SELECT 1 AS yes FROM kept WHERE name = 'pause' AND value <> 'null';

-- name: regime
SELECT * FROM regimes WHERE category = :category ORDER BY number DESC LIMIT 1;

-- name: put_regime
INSERT INTO regimes (category, number, fingerprint, state, accepted, started_at, reason)
VALUES (:category, :number, :fingerprint, :state, :accepted, :started_at, :reason)
    ON CONFLICT (category, number) DO UPDATE
    SET fingerprint = excluded.fingerprint, state = excluded.state, accepted = excluded.accepted;

-- name: label
SELECT * FROM labels WHERE category = :category AND regime = :regime AND conversation_id = :conversation_id
 ORDER BY marked LIMIT 1;

-- name: add_label
INSERT INTO labels (proposal_id, conversation_id, category, regime, bin, confidence, wrong, sampled, audited, probability,
                    marked, at)
VALUES (:proposal_id, :conversation_id, :category, :regime, :bin, :confidence, :wrong, :sampled, :audited, :probability,
        :marked, :at)
    ON CONFLICT DO NOTHING;

-- name: correct_label
UPDATE labels SET wrong = 1 WHERE proposal_id = :proposal_id;

-- name: label_counts
SELECT bin, count(*) AS n, sum(wrong) AS k FROM labels
 WHERE category = :category AND regime = :regime AND sampled = :sampled GROUP BY bin;

-- name: label_counts_since
SELECT bin, count(*) AS n, sum(wrong) AS k FROM labels
 WHERE category = :category AND regime = :regime AND sampled = :sampled AND at >= :since GROUP BY bin;

-- name: wrong_labels
SELECT proposal_id FROM labels
 WHERE category = :category AND regime = :regime AND audited + marked > 0 AND wrong = 1 ORDER BY at DESC LIMIT :limit;

-- name: audit_counts
SELECT substr(at, 1, 10) AS day, wrong, probability, count(*) AS n FROM labels
 WHERE category = :category AND audited = 1 AND at >= :since AND (:regime IS NULL OR regime = :regime)
 GROUP BY day, wrong, probability ORDER BY day;

-- name: marked_since
SELECT count(*) AS n FROM labels WHERE category = :category AND marked = 1 AND at >= :since;

-- name: add_lesson
INSERT INTO lessons (proposal_id) VALUES (:proposal_id) ON CONFLICT DO NOTHING;

-- name: lessons
SELECT proposal_id FROM lessons ORDER BY proposal_id LIMIT :limit;

-- name: lesson_learned
DELETE FROM lessons WHERE proposal_id = :proposal_id;

-- name: count_day
INSERT INTO days (category, day, automated, held) VALUES (:category, :day, :automated, :held)
    ON CONFLICT (category, day) DO UPDATE
    SET automated = days.automated + excluded.automated, held = days.held + excluded.held;

-- name: count_as_held
UPDATE days SET automated = automated - 1, held = held + 1 WHERE category = :category AND day = :day AND automated > 0;

-- name: days
SELECT * FROM days WHERE day >= :since AND (:category IS NULL OR category = :category) ORDER BY category, day;

-- name: decided
SELECT DISTINCT proposal_id FROM decisions WHERE proposal_id > :after AND kind NOT IN ('automatic', 'expired', 'withdrawn')
 ORDER BY proposal_id LIMIT :limit;

-- name: add_token
INSERT INTO tokens (id, name, prefix, hash, scope, owner, created_at, expires_at)
VALUES (:id, :name, :prefix, :hash, :scope, :owner, :created_at, :expires_at);

-- name: token
SELECT * FROM tokens WHERE hash = :hash;

-- name: tokens
SELECT * FROM tokens ORDER BY created_at, id;

-- name: touch_token
UPDATE tokens SET last_used_at = :at WHERE id = :id;

-- name: revoke_token
UPDATE tokens SET revoked_at = :at WHERE name = :name AND revoked_at IS NULL;

-- name: first_sight
INSERT INTO sightings (delivery, at) VALUES (:delivery, :now) ON CONFLICT (delivery) DO NOTHING;

-- name: forget_sightings
DELETE FROM sightings WHERE at < :before;

-- name: add_audit
INSERT INTO audit (seq, kind, at, actor_kind, actor_id, actor_name, proposal_id, payload, previous, hash)
VALUES (:seq, :kind, :at, :actor_kind, :actor_id, :actor_name, :proposal_id, :payload, :previous, :hash);

-- name: audit_head
SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1;

-- name: audit_events
SELECT * FROM audit WHERE seq > :after AND (:kinds = '' OR instr(:kinds, ',' || kind || ',') > 0) ORDER BY seq LIMIT :limit;

-- name: interventions
SELECT * FROM audit
 WHERE proposal_id = :proposal_id AND kind IN ('proposal.undone', 'proposal.retried', 'proposal.confirmed') ORDER BY seq;

-- name: interventions_are_found
CREATE INDEX idx_audit_interventions ON audit (proposal_id)
 WHERE kind IN ('proposal.undone', 'proposal.retried', 'proposal.confirmed');

-- name: audit_never_updates
CREATE TRIGGER IF NOT EXISTS audit_never_updates BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

-- name: audit_never_deletes
CREATE TRIGGER IF NOT EXISTS audit_never_deletes BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

-- name: ticket
SELECT * FROM tickets WHERE id = :id;

-- name: ticket_of_key
SELECT * FROM tickets WHERE source = :source AND key = :key;

-- name: waiting_ticket
SELECT * FROM tickets WHERE conversation_id = :conversation_id AND state = 'waiting' ORDER BY id LIMIT 1;

-- name: due_tickets
SELECT * FROM tickets WHERE state = 'waiting' AND due_at <= :now ORDER BY due_at, id LIMIT :limit;

-- name: any_ticket
SELECT 1 AS yes FROM tickets LIMIT 1;

-- name: next_ticket
SELECT min(due_at) AS at FROM tickets WHERE state = 'waiting';

-- name: add_ticket
INSERT INTO tickets (id, source, key, body_hash, conversation_id, document, state, attempts, due_at, error, proposal_id, created_at)
VALUES (:id, :source, :key, :body_hash, :conversation_id, :document, :state, :attempts, :due_at, :error, :proposal_id, :created_at);

-- name: change_ticket
UPDATE tickets SET document = :document, state = :state, attempts = :attempts, due_at = :due_at, error = :error, proposal_id = :proposal_id
 WHERE id = :id;

-- name: release_tickets
UPDATE tickets SET due_at = :now WHERE state = 'waiting' AND due_at > :now;

-- name: thread
SELECT conversation_id FROM threads WHERE reference = :reference;

-- name: add_thread
INSERT INTO threads (reference, conversation_id) VALUES (:reference, :conversation_id) ON CONFLICT (reference) DO NOTHING;
