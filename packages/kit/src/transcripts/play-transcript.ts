import { createHash, randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { LmappError } from '../errors/lmapp-error.ts'
import { type FileValue, maxLineBytes } from '../protocol/messages.ts'
import { parseMessage } from '../protocol/parse-message.ts'
import { readLines } from '../streams/read-lines.ts'
import { createExpectations, type Expectations } from './expectations.ts'
import { type Filling, fillIn } from './fill-in.ts'
import { isObject, type JsonObject, type Step, type StepOf, type Transcript } from './transcript.ts'

/** A plugin as its host sees it: a process, or a pair of streams. */
export interface Peer {
  input: Writable
  output: AsyncIterable<Uint8Array>
  /** With the exit code. Absent: the end of `output` is all there is. */
  exited?: Promise<number | null>
}

export interface PlayOptions {
  dataDir: string
  exchangeDir: string
  /** Default: a new one. */
  nonce?: string
  /** For each line of the plugin's, and for its exit. */
  deadlineMs?: number
}

/**
 * Plays the host's side of a transcript. Throws `protocol-violation` that names the line at which the plugin writes
 * something else, `stalled` where it writes nothing, and what `readLines` throws. The peer is its owner's to end.
 */
export async function playTranscript(transcript: Transcript, peer: Peer, options: PlayOptions): Promise<void> {
  const { dataDir, exchangeDir, nonce = randomUUID(), deadlineMs = 10_000 } = options
  const files = new Map<string, FileValue>()
  const messages = readMessages(peer.output)[Symbol.asyncIterator]()
  const player: Player = {
    ...{ name: transcript.name, peer, files, deadlineMs },
    filling: { dataDir, exchangeDir, nonce, files },
    expectations: createExpectations(transcript.name),
    next: async () => (await messages.next()).value,
  }
  for (const turn of toTurns(transcript.steps)) await playTurn(player, turn)
}

interface Player {
  name: string
  peer: Peer
  files: Map<string, FileValue>
  filling: Filling
  expectations: Expectations
  /** Undefined at the end. */
  next(): Promise<JsonObject | undefined>
  deadlineMs: number
}

/** What the host does, and what the plugin writes before the host does anything more. */
interface Turn {
  host: Exclude<Step, { kind: 'plugin' | 'plugin-exit' }>[]
  plugin: StepOf<'plugin'>[]
  exit?: StepOf<'plugin-exit'>
}

function toTurns(steps: Step[]): Turn[] {
  const turns: Turn[] = []
  let turn: Turn | undefined
  for (const step of steps) {
    const isHosts = step.kind !== 'plugin' && step.kind !== 'plugin-exit'
    if (!turn || (isHosts && turn.plugin.length > 0)) {
      turn = { host: [], plugin: [] }
      turns.push(turn)
    }
    if (step.kind === 'plugin') turn.plugin.push(step)
    else if (step.kind === 'plugin-exit') turn.exit = step
    else turn.host.push(step)
  }
  return turns
}

async function playTurn(player: Player, { host, plugin, exit }: Turn): Promise<void> {
  const { expectations, filling } = player
  for (const step of plugin) expectations.add(step, toObject(fillIn(step.message, filling)))
  for (const step of host) await act(player, step)
  for (let missing = expectations.missing(); missing !== undefined; missing = expectations.missing()) {
    const message = await within(player, player.next(), missing)
    if (!message) throw new LmappError('protocol-violation', `${missing}, and the plugin has ended.`)
    expectations.receive(message)
  }
  if (exit) await expectExit(player, exit)
}

async function act({ peer, files, filling, expectations }: Player, step: Turn['host'][number]): Promise<void> {
  switch (step.kind) {
    case 'host': {
      if (step.message.method !== undefined) expectations.ask(step.message.id)
      peer.input.write(`${JSON.stringify(fillIn(step.message, filling))}\n`)
      return
    }
    case 'host-raw':
      peer.input.write(`${step.text}\n`)
      return
    case 'host-end':
      peer.input.end()
      return
    case 'file': {
      const content = Buffer.from(JSON.stringify(step.json))
      const file = join(filling.exchangeDir, step.name)
      await writeFile(file, content, { mode: 0o600, flag: 'wx' })
      const sha256 = createHash('sha256').update(content).digest('hex')
      files.set(step.name, { file, bytes: content.byteLength, sha256 })
      return
    }
    default:
      step satisfies never
  }
}

async function expectExit(player: Player, { line, code }: StepOf<'plugin-exit'>): Promise<void> {
  const { name, peer, expectations } = player
  const missing = `${name}:${line}: The plugin did not end`
  for (let message = await within(player, player.next(), missing); message; ) {
    expectations.receiveLate(message)
    message = await within(player, player.next(), missing)
  }
  const exitCode = await within(player, peer.exited ?? Promise.resolve(code), missing)
  if (exitCode === code) return
  throw new LmappError(
    'protocol-violation',
    `${name}:${line}: The plugin ended with exit code ${exitCode}, not ${code}.`,
  )
}

async function within<Value>({ deadlineMs }: Player, value: Promise<Value>, missing: string): Promise<Value> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(new LmappError('stalled', `${missing}, within ${deadlineMs} ms.`)),
    deadlineMs,
  )
  try {
    return await Promise.race([value, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

async function* readMessages(output: AsyncIterable<Uint8Array>): AsyncGenerator<JsonObject, undefined> {
  for await (const line of readLines(output, { maxBytes: maxLineBytes })) {
    if (line === '') continue
    parseMessage(line)
    yield toObject(JSON.parse(line))
  }
}

function toObject(value: unknown): JsonObject {
  return isObject(value) ? value : {}
}
