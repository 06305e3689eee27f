import type { Migration } from './migration.ts'

/**
 * Pins, tags, attachments, and an index of titles. Of an older title nobody knows who gave it: it counts as a
 * person's, so that it stays.
 */
export const order: Migration = {
  version: 3,
  sql: `
    ALTER TABLE conversations ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
    -- words: the first ones of the question; model; person: never replaced by itself
    ALTER TABLE conversations ADD COLUMN title_source TEXT NOT NULL DEFAULT 'person';
    ALTER TABLE conversations ADD COLUMN title_indexed INTEGER NOT NULL DEFAULT 0;

    DROP INDEX conversations_by_use;
    CREATE INDEX conversations_by_use ON conversations (owner, pinned, touched, updated_at);
    CREATE INDEX conversations_by_time ON conversations (owner, updated_at, touched);
    CREATE INDEX titles_due ON conversations (seq) WHERE title_indexed = 0;

    CREATE TABLE tags (
      conversation INTEGER NOT NULL REFERENCES conversations (seq) ON DELETE CASCADE,
      tag TEXT NOT NULL,
      PRIMARY KEY (conversation, tag)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX tags_by_tag ON tags (tag, conversation);

    -- which messages need which files of the attachments folder
    CREATE TABLE attachments (
      sha256 TEXT NOT NULL,
      message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
      PRIMARY KEY (sha256, message_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX attachments_by_message ON attachments (message_id);

    CREATE VIRTUAL TABLE search_title_words USING fts5 (text, content = '', tokenize = 'unicode61 remove_diacritics 2');
    CREATE VIRTUAL TABLE search_title_trigrams USING fts5 (text, content = '', tokenize = 'trigram remove_diacritics 1');

    -- short beginnings of words get an index of their own; and what is deleted is overwritten later, in pieces: at
    -- once it takes a hundred times as long
    DROP TABLE search_words;
    CREATE VIRTUAL TABLE search_words
      USING fts5 (text, content = '', tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2');
    INSERT INTO search_trigrams (search_trigrams) VALUES ('delete-all');
    INSERT INTO search_trigrams (search_trigrams, rank) VALUES ('secure-delete', 0);
    UPDATE messages SET indexed = 0, index_due = 1;
  `,
}
