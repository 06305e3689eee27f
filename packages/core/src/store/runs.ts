import { type Content, LmappError, type RunEvent } from 'lmapp-kit'
import { detach, type StoredPart } from './attached-parts.ts'
import { requireConversation, requireMessage } from './conversations.ts'
import { foldEvents } from './fold.ts'
import { insertMessage, journalOf, withJournal } from './messages.ts'
import type { Room } from './room.ts'
import { json, text, textOrNull, toJson } from './rows.ts'
import type { Sql } from './sql.ts'
import type { AttemptRecord, BeginRun, EndRun, Id, RunSnapshotRecord } from './store.ts'

export function beginRun({ sql, attachments }: Room, run: BeginRun, at: string): void {
  const parts = run.question ? detach(run.question.content, attachments) : []
  sql.transaction('durable', () => {
    if (run.newConversation) insertConversation(sql, run, run.newConversation, at)
    const conversation = requireConversation(sql, run.conversationId, run.owner)
    const questionId = insertQuestion(sql, run, { parts, head: textOrNull(conversation, 'head') }, at)
    if (run.answer.kind === 'new') insertAnswer(sql, run, run.answer, questionId, at)
    else reopenAnswer(sql, run.answer.id, run.conversationId)
    sql.run(
      "INSERT INTO runs (id, owner, message_id, state, snapshot, started_at) VALUES (?, ?, ?, 'running', ?, ?)",
      run.runId,
      run.owner,
      run.answer.id,
      JSON.stringify(run.snapshot),
      at,
    )
    touch(sql, run.conversationId, run.answer.id, at)
  })
}

function insertConversation(
  sql: Sql,
  run: BeginRun,
  values: NonNullable<BeginRun['newConversation']>,
  at: string,
): void {
  sql.run(
    `INSERT INTO conversations (id, owner, title, title_source, system, model, touched, created_at, updated_at)
     VALUES (?, ?, ?, 'words', ?, ?, 0, ?, ?)`,
    run.conversationId,
    run.owner,
    values.title,
    values.system,
    values.model,
    at,
    at,
  )
}

/** What the answer hangs below unless it says otherwise: the question, else the head. */
function insertQuestion(
  sql: Sql,
  run: BeginRun,
  { parts, head }: { parts: StoredPart[]; head: Id | null },
  at: string,
): Id | null {
  if (!run.question) return head
  const { id, text } = run.question
  const place = { conversationId: run.conversationId, parentId: head }
  insertMessage(sql, { id, ...place, role: 'user', text, parts, state: 'complete' }, at)
  return id
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

function touch(sql: Sql, conversationId: Id, head: Id | null, at: string): void {
  sql.run(
    `UPDATE conversations SET head = coalesce(?, head), updated_at = ?, touched = ${nextUse} WHERE id = ?`,
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
  const conversationId = appendToMessage(sql, messageId, journalOf(sql, messageId))
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
  sql.run('DELETE FROM journal WHERE run_id = ?', end.runId)
  sql.run('UPDATE conversations SET model = coalesce(?, model) WHERE id = ?', end.model, conversationId)
  touch(sql, conversationId, null, at)
}

/** Returns the id of the conversation. */
function appendToMessage(sql: Sql, messageId: Id, journal: Content[]): Id {
  const message = requireMessage(sql, messageId)
  if (journal.length > 0) {
    const written = withJournal({ text: text(message, 'text'), parts: json(message, 'parts') }, journal)
    sql.run(
      'UPDATE messages SET text = ?, parts = ?, index_due = 1 WHERE id = ?',
      written.text,
      JSON.stringify(written.parts),
      messageId,
    )
  }
  return text(message, 'conversation_id')
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
