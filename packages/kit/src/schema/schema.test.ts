import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as z from 'zod'
import { LmappError } from '../errors/lmapp-error.ts'
import {
  backendInfo,
  chatRequest,
  content,
  errorData,
  finish,
  health,
  manifest,
  message,
  numberedRunEvent,
  part,
  partsParams,
  rpcResponse,
  runEvent,
} from './index.ts'
import { members } from './members.ts'

const parses = (schema: z.ZodType, value: unknown) => assert.deepEqual(schema.parse(value), value)
const refuses = (schema: z.ZodType, value: unknown) => assert.equal(schema.safeParse(value).success, false)

describe('a schema', () => {
  test('takes what the contract allows, and keeps members that it does not know', () => {
    parses(message, { role: 'user', content: [{ type: 'text', text: 'Hi', later: 1 }], later: { a: 1 } })
    parses(chatRequest, {
      model: 'tiny',
      messages: [],
      continue: true,
      tools: [{ name: 'now', parameters: { type: 'object' } }],
      toolChoice: { name: 'now' },
      reasoning: 'low',
      options: { temperature: 0, stop: ['\n'], mirostat: 2 },
    })
    parses(health, {
      running: true,
      state: 'running',
      active: 0,
      queued: 0,
      models: [{ id: 'a', state: 'loading', progress: 0.4 }],
    })
    parses(runEvent, { type: 'end', state: 'complete', usage: {}, timings: { totalMs: 1 } })
    parses(numberedRunEvent, {
      seq: 3,
      event: { type: 'snapshot', run: 'r', message: 'm', model: 'a/b', text: '', reasoning: '', toolCalls: [] },
    })
    parses(rpcResponse, { jsonrpc: '2.0', id: null, error: { code: -32700, message: 'no JSON' } })
    parses(errorData, new LmappError('not-found', 'x', { details: { id: '1' } }).toData())
  })

  test('refuses what the contract does not allow', () => {
    refuses(message, { role: 'robot', content: [] })
    refuses(content, { type: 'video' })
    refuses(chatRequest, { model: '', messages: [] })
    refuses(chatRequest, { model: 'a', messages: [], options: undefined })
    refuses(part, { type: 'text-delta', text: '' })
    refuses(finish, { type: 'finish', usage: {} })
    refuses(partsParams, { id: 1, seq: 1, parts: [{ type: 'finish', reason: 'stop', usage: {} }] })
    refuses(manifest, { name: 'No Name', version: '1' })
    refuses(rpcResponse, { jsonrpc: '2.0', id: 1 })
  })

  test('reads a value of a newer side as the nearest that is known', () => {
    const warning = { type: 'warning', code: 'brand-new', message: 'x' }
    assert.deepEqual(part.parse(warning), { ...warning, code: 'other' })
    assert.equal(finish.parse({ type: 'finish', reason: 'bored', usage: {} }).reason, 'other')
    assert.equal(errorData.parse({ code: 'brand-new', message: 'x' }).code, 'engine-failed')
    const info = {
      name: 'a',
      version: '1',
      interfaceVersion: '1.0',
      capabilities: { chat: 'yes', tools: 'partly', sing: 'yes' },
    }
    assert.deepEqual(backendInfo.parse(info).capabilities, { chat: 'yes', tools: 'unknown', sing: 'yes' })
  })
})

describe('members', () => {
  interface Example {
    name: string
    size?: number
  }

  test('compiles only for exactly the members of the type', () => {
    const right = members<Example>()({
      name: z.string(),
      size: z.exactOptional(z.number()),
    }) satisfies z.ZodType<Example>
    // @ts-expect-error a member is missing
    members<Example>()({ name: z.string() })
    // @ts-expect-error a member is too many
    members<Example>()({ name: z.string(), size: z.exactOptional(z.number()), other: z.string() })
    // @ts-expect-error a member has another type
    members<Example>()({ name: z.number(), size: z.exactOptional(z.number()) })
    // @ts-expect-error a member is optional in the type, required in the schema
    members<Example>()({ name: z.string(), size: z.number() })
    const wrong = members<Example>()({ name: z.exactOptional(z.string()), size: z.exactOptional(z.number()) })
    // @ts-expect-error a member is required in the type, optional in the schema
    wrong satisfies z.ZodType<Example>
    parses(right, { name: 'a', other: true })
  })
})
