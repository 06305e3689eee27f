/** One step from the version before. Once released it never changes. */
export interface Migration {
  /** `PRAGMA user_version` afterwards; from 1 without gaps. */
  version: number
  sql: string
}
