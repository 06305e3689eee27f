import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ErrorCode, isLmappError } from 'lmapp-kit'
import type { BeginRun, EndRun, Id, NewKey, Owner, RunSnapshotRecord, Store } from '../index.ts'
import { createId, loadSqlite, type OpenStoreOptions, openStore } from '../index.ts'

export const owner: Owner = 'owner'

export interface TemporaryFolder extends AsyncDisposable {
  path: string
  /** Where the history of this folder is. */
  file: string
}

export async function createFolder(): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), 'lmapp-store-'))
  return {
    path,
    file: join(path, 'data', 'history.db'),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

export interface TemporaryStore extends AsyncDisposable {
  store: Store
  file: string
}

export async function openTemporary(options: Omit<OpenStoreOptions, 'path'> = {}): Promise<TemporaryStore> {
  const folder = await createFolder()
  const store = await openStore({ path: folder.file, ...options })
  return {
    store,
    file: folder.file,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

export const snapshot: RunSnapshotRecord = { candidates: ['mock/tiny'], system: null, options: {}, request: {} }

/** A question with the answer below it, in a new conversation unless one is named. */
export function toAsk(text: string, values: { conversationId?: Id; owner?: Owner; title?: string } = {}): BeginRun {
  const conversationId = values.conversationId ?? createId()
  return {
    runId: createId(),
    owner: values.owner ?? owner,
    conversationId,
    ...(values.conversationId === undefined && {
      newConversation: { title: values.title ?? 'A title', system: null, model: null },
    }),
    question: { id: createId(), content: [{ type: 'text', text }], text },
    answer: { kind: 'new', id: createId() },
    snapshot,
  }
}

export function toRetry(ask: BeginRun, parentId: Id): BeginRun {
  const { runId: _, question: __, newConversation: ___, ...rest } = ask
  return { ...rest, runId: createId(), answer: { kind: 'new', id: createId(), parentId } }
}

export function toContinue(ask: BeginRun): BeginRun {
  const { question: _, newConversation: __, ...rest } = ask
  return { ...rest, runId: createId(), answer: { kind: 'continue', id: ask.answer.id } }
}

export function toEnd(run: BeginRun, values: Partial<EndRun> = {}): EndRun {
  return { runId: run.runId, state: 'complete', model: 'mock/tiny', usage: {}, timings: {}, ...values }
}

/** Its hash is that of no secret. */
export function toNewKey(name: string): NewKey {
  const id = createId()
  return { id, name, sha256: id, beginning: 'lmapp_0000', scopes: ['chat'], createdAt: '2026-01-02T03:04:05.678Z' }
}

/** The whole way of a question, with its answer in one piece. */
export async function converse(store: Store, run: BeginRun, answer: string): Promise<BeginRun> {
  await store.beginRun(run)
  await store.appendEvents(run.runId, 1, [{ type: 'text-delta', text: answer }])
  await store.endRun(toEnd(run, { reason: 'stop' }))
  return run
}

export const rejectsWith = (promise: Promise<unknown>, code: ErrorCode) =>
  assert.rejects(promise, (error) => isLmappError(error, code))

/** Rows of a table, counted by another connection. */
export function countRows(file: string, table: string): number {
  const { DatabaseSync } = loadSqlite()
  using database = new DatabaseSync(file, { readOnly: true })
  return Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n)
}
