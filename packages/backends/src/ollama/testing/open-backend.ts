import assert from 'node:assert/strict'
import type { Backend, Finish, Message } from 'lmapp-kit'
import type { Transcript } from 'lmapp-kit/testkit'
import { createOllamaBackend, type OllamaBackendOptions } from '../ollama-backend.ts'

/** Long enough that only what is meant to end early does. */
export const patient = { connectMs: 10_000, stallMs: 10_000, loadMs: 10_000 }

export function open({ url }: { url: string }, timeouts: Partial<OllamaBackendOptions['timeouts']> = {}): Backend {
  return createOllamaBackend({ url, timeouts: { ...patient, ...timeouts } })
}

export function user(text: string): Message {
  return { role: 'user', content: [{ type: 'text', text }] }
}

/** The one finish of a chat. */
export function finish(transcript: Transcript): Finish {
  assert.equal(transcript.finishes.length, 1)
  const [only] = transcript.finishes
  assert.ok(only)
  return only
}
