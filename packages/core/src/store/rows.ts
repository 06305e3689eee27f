import type { Row } from './sql.ts'

/** Readers of what our own schema guarantees. */

export function text(row: Row, column: string): string {
  return String(row[column])
}

export function textOrNull(row: Row, column: string): string | null {
  const value = row[column]
  return value === null || value === undefined ? null : String(value)
}

export function integer(row: Row, column: string): number {
  return Number(row[column])
}

/** What was written with `toJson` by this store. */
export function json<T>(row: Row, column: string): T {
  return JSON.parse(text(row, column)) as T
}

export function jsonOrNull<T>(row: Row, column: string): T | null {
  const value = textOrNull(row, column)
  return value === null ? null : (JSON.parse(value) as T)
}

export function toJson(value: unknown): string | null {
  return value === undefined || value === null ? null : JSON.stringify(value)
}
