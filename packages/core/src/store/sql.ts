import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite'

export type Row = Record<string, SQLOutputValue>

/** `durable`: on disk for good when it is committed. `normal`: survives the death of the process, not that of the machine. */
export type Durability = 'durable' | 'normal'

/** A connection with its prepared statements. */
export interface Sql {
  exec(sql: string): void
  /** Number of rows changed. */
  run(sql: string, ...values: SQLInputValue[]): number
  get(sql: string, ...values: SQLInputValue[]): Row | undefined
  all(sql: string, ...values: SQLInputValue[]): Row[]
  /** All of `work` or nothing. Within `together` it is committed with the others. */
  transaction<T>(durability: Durability, work: () => T): T
  /**
   * One commit for all transactions within `work`; one of them that throws is undone alone. What it throws itself undoes
   * them all. None of them may be more durable than it.
   */
  together<T>(durability: Durability, work: () => T): T
  /** False as well after an error that made SQLite undo a whole transaction by itself. */
  readonly isInTransaction: boolean
  close(): void
}

export function createSql(database: DatabaseSync): Sql {
  const statements = new Map<string, StatementSync>()
  const prepared = (sql: string): StatementSync => {
    const known = statements.get(sql)
    if (known) return known
    const statement = database.prepare(sql)
    statements.set(sql, statement)
    return statement
  }
  const transact = createTransact(database, (sql) => prepared(sql).run())
  return {
    exec: (sql) => database.exec(sql),
    run: (sql, ...values) => Number(prepared(sql).run(...values).changes),
    get: (sql, ...values) => prepared(sql).get(...values),
    all: (sql, ...values) => prepared(sql).all(...values),
    ...transact,
    get isInTransaction() {
      return database.isTransaction
    },
    close: () => database.close(),
  }
}

function createTransact(database: DatabaseSync, run: (sql: string) => void): Pick<Sql, 'transaction' | 'together'> {
  let level: Durability | undefined
  let around: Durability | undefined

  const whole = <T>(durability: Durability, work: () => T): T => {
    // SQLite lets nobody change it within a transaction
    if (level !== durability) database.exec(`PRAGMA synchronous = ${durability === 'durable' ? 'FULL' : 'NORMAL'}`)
    level = durability
    run('BEGIN IMMEDIATE')
    try {
      const result = work()
      run('COMMIT')
      return result
    } finally {
      if (database.isTransaction) database.exec('ROLLBACK')
    }
  }
  /** What cannot be undone alone is undone with all around it. */
  const undoPart = () => {
    try {
      if (database.isTransaction) database.exec('ROLLBACK TO part; RELEASE part')
    } catch {
      if (database.isTransaction) database.exec('ROLLBACK')
    }
  }
  const part = <T>(work: () => T): T => {
    run('SAVEPOINT part')
    try {
      const result = work()
      run('RELEASE part')
      return result
    } catch (error) {
      undoPart()
      throw error
    }
  }
  return {
    transaction(durability, work) {
      if (around === undefined) return whole(durability, work)
      if (durability === 'durable' && around === 'normal') throw new Error('What is done together here is not durable.')
      return part(work)
    },
    together(durability, work) {
      return whole(durability, () => {
        around = durability
        try {
          return work()
        } finally {
          around = undefined
        }
      })
    },
  }
}
