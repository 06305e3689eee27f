import type { Migration } from './migration.ts'

/**
 * The indexes hold the first `indexed` characters of a message, no copy of its text; a message that is due has more.
 * All messages of an older version are due.
 */
export const search: Migration = {
  version: 2,
  sql: `
    ALTER TABLE messages ADD COLUMN indexed INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE messages ADD COLUMN index_due INTEGER NOT NULL DEFAULT 1;
    CREATE INDEX messages_due ON messages (seq) WHERE index_due = 1;

    CREATE VIRTUAL TABLE search_words USING fts5 (text, content = '', tokenize = 'unicode61 remove_diacritics 2');
    CREATE VIRTUAL TABLE search_trigrams USING fts5 (text, content = '', tokenize = 'trigram remove_diacritics 1');
    -- what is deleted is overwritten, not only marked
    INSERT INTO search_words (search_words, rank) VALUES ('secure-delete', 1);
    INSERT INTO search_trigrams (search_trigrams, rank) VALUES ('secure-delete', 1);
  `,
}
