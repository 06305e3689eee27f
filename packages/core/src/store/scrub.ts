import { getFact } from './facts.ts'
import { allIndexes, mending } from './search-index.ts'
import type { Sql } from './sql.ts'

/**
 * What is deleted from an index is only marked there; its words go when the index is rewritten. That is done in pieces
 * of some hundredths of a second. That it is due survives the death of the process.
 */
export interface Scrubber {
  /** Call it within the transaction that forgets something. */
  demand(): void
  /** Does a piece. False: nothing is left of what was forgotten, in no file. */
  some(): boolean
  /** All of it at once. */
  all(): void
}

const fact = 'scrub'
/** Pages of an index that are rewritten in one piece. */
const pagesAtOnce = 200

export function createScrubber(sql: Sql): Scrubber {
  /** Those that are still to be rewritten, and whether that was begun. */
  const left = new Map<string, 'due' | 'begun'>()
  const demandAll = () => {
    for (const index of allIndexes) left.set(index, 'due')
  }
  if (getFact(sql, fact) !== null) demandAll()

  const rewriteSome = () => {
    const [next] = left
    if (!next) return
    const [index, state] = next
    // by FTS5's manual: a negative number begins to merge all of it; fewer than two changes mean that nothing is left to do
    const changes = changesOf(sql, () => merge(sql, index, state === 'due' ? -pagesAtOnce : pagesAtOnce))
    if (changes < 2) left.delete(index)
    else left.set(index, 'begun')
  }
  const finish = () => {
    sql.run('DELETE FROM facts WHERE key = ?', fact)
    // the words are in the write-ahead log too
    sql.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  }
  return {
    demand() {
      demandAll()
      sql.run("INSERT OR REPLACE INTO facts (key, value) VALUES (?, 'due')", fact)
    },
    some() {
      if (left.size === 0) return false
      mending(sql, rewriteSome)
      if (left.size === 0) finish()
      return left.size > 0
    },
    all() {
      mending(sql, () => {
        for (const index of allIndexes) sql.run(`INSERT INTO ${index} (${index}) VALUES ('optimize')`)
      })
      left.clear()
      finish()
    },
  }
}

function merge(sql: Sql, index: string, pages: number): void {
  sql.transaction('normal', () => sql.run(`INSERT INTO ${index} (${index}, rank) VALUES ('merge', ?)`, pages))
}

function changesOf(sql: Sql, work: () => void): number {
  const before = Number(sql.get('SELECT total_changes() AS n')?.n)
  work()
  return Number(sql.get('SELECT total_changes() AS n')?.n) - before
}
