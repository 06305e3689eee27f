import type { Migration } from './migration.ts'

/** Who else may use the APIs. A revoked key stays, so that people see that there was one; its name is free again. */
export const keys: Migration = {
  version: 4,
  sql: `
    CREATE TABLE keys (
      seq INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL,
      -- of the secret, which is nowhere
      sha256 TEXT NOT NULL UNIQUE,
      beginning TEXT NOT NULL,
      scopes TEXT NOT NULL,
      created_at TEXT NOT NULL,
      last_used_at TEXT,
      revoked_at TEXT
    ) STRICT;
    CREATE UNIQUE INDEX keys_by_name ON keys (name) WHERE revoked_at IS NULL;
  `,
}
