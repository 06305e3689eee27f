import type { Attachments } from './attachments.ts'
import type { Scrubber } from './scrub.ts'
import type { Sql } from './sql.ts'

/** All that is on the disk of one history. */
export interface Room {
  sql: Sql
  attachments: Attachments
  scrubber: Scrubber
  /** Of the database. */
  path: string
}
