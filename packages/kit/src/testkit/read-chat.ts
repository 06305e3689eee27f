import assert from 'node:assert/strict'
import type { Finish, Part, Status, ToolCall, Warning } from '../part.ts'

/** All that a chat gave, in order, and sorted. */
export interface Transcript {
  parts: Part[]
  /** The text deltas, joined. */
  text: string
  deltas: string[]
  reasoning: string
  statuses: Status[]
  warnings: Warning[]
  toolCalls: ToolCall[]
  finishes: Finish[]
}

/** Reads a chat to its end. `onPart` may look on, and is waited for. Throws what the chat throws. */
export async function readChat(
  chat: AsyncIterable<Part>,
  onPart?: (transcript: Transcript, part: Part) => void | Promise<void>,
): Promise<Transcript> {
  const { transcript, error } = await tryChat(chat, onPart)
  if (error !== undefined) throw error
  return transcript
}

/** As `readChat`, but what it throws is told beside what came before. */
export async function tryChat(
  chat: AsyncIterable<Part>,
  onPart?: (transcript: Transcript, part: Part) => void | Promise<void>,
): Promise<{ transcript: Transcript; error?: unknown }> {
  const transcript: Transcript = {
    parts: [],
    text: '',
    deltas: [],
    reasoning: '',
    statuses: [],
    warnings: [],
    toolCalls: [],
    finishes: [],
  }
  try {
    for await (const part of chat) {
      note(transcript, part)
      await onPart?.(transcript, part)
    }
    return { transcript }
  } catch (error) {
    return { transcript, error: error ?? new Error('It threw nothing at all.') }
  }
}

/** The one finish part. */
export function finishOf(transcript: Transcript): Finish {
  const [finish, ...others] = transcript.finishes
  assert.ok(finish, 'The chat ended without a finish part.')
  assert.equal(others.length, 0, `The chat has ${others.length + 1} finish parts.`)
  return finish
}

function note(transcript: Transcript, part: Part): void {
  transcript.parts.push(part)
  switch (part.type) {
    case 'text-delta':
      transcript.text += part.text
      transcript.deltas.push(part.text)
      return
    case 'reasoning-delta':
      transcript.reasoning += part.text
      return
    case 'status':
      transcript.statuses.push(part)
      return
    case 'warning':
      transcript.warnings.push(part)
      return
    case 'tool-call':
      transcript.toolCalls.push(part)
      return
    case 'finish':
      transcript.finishes.push(part)
  }
}
