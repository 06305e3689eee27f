import { type Content, LmappError, type Role, type RunEvent } from 'lmapp-kit'
import { detach, type StoredPart } from './attached-parts.ts'
import type { Attachments } from './attachments.ts'
import { notFound, requireConversation, requireMessage } from './conversations.ts'
import { foldEvents } from './fold.ts'
import { depthOf, insertMessage, withJournal } from './messages.ts'
import type { Room } from './room.ts'
import { integer, json, text, textOrNull, toJson } from './rows.ts'
import type { Row, Sql } from './sql.ts'
import type { AttemptRecord, BeginRun, EndRun, Id, RunSnapshotRecord } from './store.ts'

export function beginRun({ sql, attachments }: Room, run: BeginRun, at: string): void {
  const messages = detachPrompt(run, attachments)
  sql.transaction('durable', () => {
    const head = run.newConversation ? insertConversation(sql, run, run.newConversation, at) : headOf(sql, run)
    if (run.path?.below) requireMessage(sql, run.path.below, run.conversationId)
    const below = run.path ? run.path.below : head
    const last = insertPath(sql, run.conversationId, { below, messages }, at)
    if (run.answer.kind === 'new') insertAnswer(sql, run, run.answer, last, at)
    else reopenAnswer(sql, run.answer.id, run.conversationId)
    sql.run(
      "INSERT INTO runs (id, owner, message_id, state, snapshot, started_at) VALUES (?, ?, ?, 'running', ?, ?)",
      run.runId,
      run.owner,
      run.answer.id,
      JSON.stringify(run.snapshot),
      at,
    )
    if (!run.newConversation) moveHead(sql, run.conversationId, run.answer.id, at)
  })
}

type DetachedPrompt = { id: Id; role: Role; text: string; parts: StoredPart[] }[]

function detachPrompt({ question, path }: BeginRun, attachments: Attachments): DetachedPrompt {
  const messages = path?.messages ?? (question ? [{ ...question, role: 'user' as const }] : [])
  return messages.map(({ id, role, content, text }) => ({ id, role, text, parts: detach(content, attachments) }))
}

/** Its head is the answer that comes with it. Returns what a prompt of it hangs below. */
function insertConversation(
  sql: Sql,
  run: BeginRun,
  values: NonNullable<BeginRun['newConversation']>,
  at: string,
): null {
  sql.run(
    `INSERT INTO conversations (id, owner, title, title_source, system, model, head, touched, created_at, updated_at)
     VALUES (?, ?, ?, 'words', ?, ?, ?, ${nextUse}, ?, ?)`,
    run.conversationId,
    run.owner,
    values.title,
    values.system,
    values.model,
    run.answer.id,
    at,
    at,
  )
  return null
}

function headOf(sql: Sql, { conversationId, owner, path }: BeginRun): Id | null {
  const conversation = requireConversation(sql, conversationId, owner)
  if (path && (textOrNull(conversation, 'system') ?? '') !== (path.system ?? '')) throw notFound(conversationId)
  return textOrNull(conversation, 'head')
}

/** Returns the id of the last one: what the answer hangs below unless it says otherwise. */
function insertPath(
  sql: Sql,
  conversationId: Id,
  { below, messages }: { below: Id | null; messages: DetachedPrompt },
  at: string,
): Id | null {
  let parentId = below
  let depth = messages.length > 0 ? depthOf(sql, below) : 0
  for (const message of messages) {
    depth += 1
    insertMessage(sql, { ...message, conversationId, parentId, state: 'complete' }, at, depth)
    parentId = message.id
  }
  return parentId
}

function insertAnswer(sql: Sql, run: BeginRun, answer: { id: Id; parentId?: Id }, below: Id | null, at: string): void {
  if (answer.parentId !== undefined) requireMessage(sql, answer.parentId, run.conversationId)
  const place = { conversationId: run.conversationId, parentId: answer.parentId ?? below }
  insertMessage(sql, { id: answer.id, ...place, role: 'assistant', text: '', parts: [], state: 'running' }, at)
}

function reopenAnswer(sql: Sql, id: Id, conversationId: Id): void {
  const message = requireMessage(sql, id, conversationId)
  if (text(message, 'role') !== 'assistant') throw new LmappError('bad-input', 'Only an answer can be continued.')
  if (text(message, 'state') === 'running') throw new LmappError('busy', 'This answer is being written.')
  sql.run("UPDATE messages SET state = 'running' WHERE id = ?", id)
}

/** Greater than every use before. */
export const nextUse = '(SELECT coalesce(max(touched), 0) + 1 FROM conversations)'

function moveHead(sql: Sql, conversationId: Id, head: Id, at: string): void {
  sql.run(
    `UPDATE conversations SET head = ?, updated_at = ?, touched = ${nextUse} WHERE id = ?`,
    head,
    at,
    conversationId,
  )
}

export function appendEvents(sql: Sql, runId: Id, fromSeq: number, events: RunEvent[]): void {
  const parts = foldEvents(events)
  sql.transaction('normal', () => {
    requireRun(sql, runId, 'running')
    if (parts.length === 0) return
    sql.run(
      'INSERT INTO journal (run_id, from_seq, parts) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET parts = excluded.parts',
      runId,
      fromSeq,
      JSON.stringify(parts),
    )
  })
}

export function recordAttempt(sql: Sql, runId: Id, attempt: AttemptRecord): void {
  sql.transaction('normal', () => {
    requireRun(sql, runId)
    sql.run(
      `INSERT OR REPLACE INTO attempts (run_id, number, backend, model, engine_version, outcome, error)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      runId,
      attempt.number,
      attempt.backend,
      attempt.model,
      attempt.engineVersion ?? null,
      attempt.outcome,
      toJson(attempt.error),
    )
  })
}

export function endRun(sql: Sql, end: EndRun, at: string): void {
  sql.transaction('durable', () => {
    const run = requireRun(sql, end.runId)
    if (text(run, 'state') === 'running') closeRun(sql, end, text(run, 'message_id'), at)
  })
}

/** Model of the newest attempt, for a run that could not say who wrote it. */
const lastModel = "SELECT backend || '/' || model AS model FROM attempts WHERE run_id = ? ORDER BY number DESC LIMIT 1"

export function recoverCrashed(sql: Sql, at: string): number {
  return sql.transaction('durable', () => {
    const runs = sql.all("SELECT id, message_id FROM runs WHERE state = 'running' ORDER BY seq")
    const error = new LmappError('run-crashed', 'The service ended while it answered.').toData()
    for (const run of runs) {
      const runId = text(run, 'id')
      const attempt = sql.get(lastModel, runId)
      const model = attempt ? text(attempt, 'model') : null
      closeRun(sql, { runId, state: 'crashed', model, error, usage: {}, timings: {} }, text(run, 'message_id'), at)
      sql.run(
        "UPDATE attempts SET outcome = 'failed', error = ? WHERE run_id = ? AND outcome = 'running'",
        toJson(error),
        runId,
      )
    }
    return runs.length
  })
}

function closeRun(sql: Sql, end: EndRun, messageId: Id, at: string): void {
  const message = requireMessage(sql, messageId)
  const brought = [...takeJournal(sql, end), ...foldEvents(end.rest?.events ?? [])]
  if (brought.length > 0) appendToMessage(sql, messageId, message, brought)
  sql.run(
    `UPDATE messages SET state = ?, model = coalesce(?, model), reason = ?, error = ?, usage = ?, timings = ? WHERE id = ?`,
    end.state,
    end.model,
    end.reason ?? null,
    toJson(end.error),
    JSON.stringify(end.usage),
    JSON.stringify(end.timings),
    messageId,
  )
  sql.run('UPDATE runs SET state = ?, ended_at = ? WHERE id = ?', end.state, at, end.runId)
  sql.run(
    `UPDATE conversations SET model = coalesce(?, model), updated_at = ?, touched = ${nextUse} WHERE id = ?`,
    end.model,
    at,
    text(message, 'conversation_id'),
  )
}

/** Empties it. What the rest brings once more is left out. */
function takeJournal(sql: Sql, { runId, rest }: EndRun): Content[] {
  const rows = sql.all('SELECT from_seq, parts FROM journal WHERE run_id = ? ORDER BY from_seq', runId)
  if (rows.length > 0) sql.run('DELETE FROM journal WHERE run_id = ?', runId)
  const before = rest ? rows.filter((row) => integer(row, 'from_seq') < rest.fromSeq) : rows
  return before.flatMap((row) => json<Content[]>(row, 'parts'))
}

function appendToMessage(sql: Sql, messageId: Id, message: Row, brought: Content[]): void {
  const written = withJournal({ text: text(message, 'text'), parts: json(message, 'parts') }, brought)
  sql.run(
    'UPDATE messages SET text = ?, parts = ?, index_due = 1 WHERE id = ?',
    written.text,
    JSON.stringify(written.parts),
    messageId,
  )
}

export function getRunSnapshot(sql: Sql, messageId: Id): RunSnapshotRecord | null {
  const row = sql.get('SELECT snapshot FROM runs WHERE message_id = ? ORDER BY seq DESC LIMIT 1', messageId)
  return row ? json<RunSnapshotRecord>(row, 'snapshot') : null
}

function requireRun(sql: Sql, runId: Id, state?: 'running') {
  const run = sql.get('SELECT message_id, state FROM runs WHERE id = ?', runId)
  if (run && (state === undefined || text(run, 'state') === state)) return run
  throw new LmappError('not-found', run ? 'This run has ended.' : `No run has the id ${runId}.`)
}
