import type { Migration } from './migration.ts'

/** `seq` is the order of everything; times are only shown. JSON columns hold what their name says, as the types have it. */
export const history: Migration = {
  version: 1,
  sql: `
    CREATE TABLE conversations (
      seq INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      owner TEXT NOT NULL,
      title TEXT NOT NULL,
      system TEXT,
      model TEXT,
      head TEXT REFERENCES messages (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
      -- counts uses: the greatest was used last
      touched INTEGER NOT NULL,
      created_at TEXT NOT NULL,
      updated_at TEXT NOT NULL
    ) STRICT;
    CREATE INDEX conversations_by_use ON conversations (owner, touched);
    CREATE INDEX conversations_touched ON conversations (touched);
    CREATE INDEX conversations_by_head ON conversations (head);

    CREATE TABLE messages (
      seq INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
      parent_id TEXT REFERENCES messages (id),
      -- messages from the root to this one
      depth INTEGER NOT NULL,
      role TEXT NOT NULL,
      text TEXT NOT NULL,
      parts TEXT NOT NULL,
      state TEXT NOT NULL,
      model TEXT,
      reason TEXT,
      error TEXT,
      usage TEXT,
      timings TEXT,
      created_at TEXT NOT NULL
    ) STRICT;
    CREATE INDEX messages_by_conversation ON messages (conversation_id);
    CREATE INDEX messages_by_parent ON messages (parent_id);

    CREATE TABLE runs (
      seq INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      owner TEXT NOT NULL,
      message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
      state TEXT NOT NULL,
      snapshot TEXT NOT NULL,
      started_at TEXT NOT NULL,
      ended_at TEXT
    ) STRICT;
    CREATE INDEX runs_by_message ON runs (message_id);
    CREATE INDEX runs_running ON runs (state) WHERE state = 'running';

    CREATE TABLE attempts (
      run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      number INTEGER NOT NULL,
      backend TEXT NOT NULL,
      model TEXT NOT NULL,
      engine_version TEXT,
      outcome TEXT NOT NULL,
      error TEXT,
      PRIMARY KEY (run_id, number)
    ) STRICT, WITHOUT ROWID;

    -- what a running run has brought so far, gone when it ends
    CREATE TABLE journal (
      run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      from_seq INTEGER NOT NULL,
      parts TEXT NOT NULL,
      PRIMARY KEY (run_id, from_seq)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE terminals (
      owner TEXT NOT NULL,
      terminal TEXT NOT NULL,
      conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
      PRIMARY KEY (owner, terminal)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX terminals_by_conversation ON terminals (conversation_id);

    CREATE TABLE facts (
      key TEXT PRIMARY KEY,
      value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
  `,
}
