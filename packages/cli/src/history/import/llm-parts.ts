import { basename } from 'node:path'
import type { Content, FileContent } from 'lmapp-kit'
import { type AttachmentReader, mostAttachmentBytes } from './attachments.ts'
import type { ForeignDatabase } from './sqlite.ts'
import { toCleanText, toCount } from './values.ts'

/** Rows of a table by what they belong to; most of llm's tables have no index for that. */
export type RowIndex = ReadonlyMap<string, bigint[]>

export function indexRows(database: ForeignDatabase, table: string, column: string): RowIndex {
  const index = new Map<string, bigint[]>()
  if (!database.has(table, column)) return index
  for (const { id, owner } of database.rows(
    `SELECT rowid AS id, "${column}" AS owner FROM "${table}" ORDER BY rowid`,
  )) {
    const rows = index.get(String(owner))
    if (rows) rows.push(id as bigint)
    else index.set(String(owner), [id as bigint])
  }
  return index
}

/** Attachments are in the database only when they came through a pipe; else it knows their path or address. */
export function readLlmAttachment(
  database: ForeignDatabase,
  id: string,
  attachments: AttachmentReader,
  where: string,
): Content[] {
  const statement = `SELECT type, path, url, length(content) AS size,
    CASE WHEN length(content) <= ${mostAttachmentBytes} THEN content END AS bytes FROM attachments WHERE id = ?`
  const [row] = database.has('attachments', 'content') ? database.rows(statement, id) : []
  const name = toCleanText(row?.path) ?? toCleanText(row?.url) ?? id.slice(0, 12)
  if (!row) return attachments.miss(name, where, 'missing in the database')
  if (row.bytes instanceof Uint8Array) {
    return attachments.read({ name, mediaType: toCleanText(row.type), bytes: row.bytes }, where)
  }
  const size = toCount(row.size)
  if (size !== undefined) return attachments.miss(name, where, `larger than ${mostAttachmentBytes} bytes`)
  return attachments.miss(name, where, 'the database holds only where it was, not what it was')
}

export function readLlmFragment(database: ForeignDatabase, id: bigint | number | string): FileContent | undefined {
  const [row] = database.rows('SELECT content, source FROM fragments WHERE id = ?', id)
  const text = toCleanText(row?.content)
  if (text === undefined) return undefined
  return {
    type: 'file',
    name: basename(toCleanText(row?.source) ?? '') || `fragment ${id}`,
    mediaType: 'text/plain',
    text,
  }
}
