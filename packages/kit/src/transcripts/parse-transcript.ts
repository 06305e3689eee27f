import { LmappError } from '../errors/lmapp-error.ts'
import type { RequestId } from '../protocol/messages.ts'
import { isObject, type JsonObject, type Step, type Transcript, toPluginMessage } from './transcript.ts'

/** Reads a file of `specs/transcripts`. Throws `bad-input` that names `file` and the line. */
export function parseTranscript(text: string, file: string): Transcript {
  const [head, ...lines] = text
    .replace(/\n$/, '')
    .split('\n')
    .map((line, index) => ({ line: index + 1, json: readLine(line, file, index + 1) }))
  if (!head || typeof head.json.transcript !== 'string' || typeof head.json.title !== 'string') {
    throw wrong(file, 1, 'The first line must be {"transcript": NAME, "title": TEXT}')
  }
  const steps = lines.map(({ line, json }) => toStep(json, file, line))
  assertOrder(steps, file)
  assertFiles(steps, file)
  assertSequence(steps, file)
  return { name: head.json.transcript, title: head.json.title, steps }
}

function readLine(line: string, file: string, number: number): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (cause) {
    throw wrong(file, number, 'It is no JSON', cause)
  }
  if (!isObject(value)) throw wrong(file, number, 'It is no object')
  return value
}

function toStep(json: JsonObject, file: string, line: number): Step {
  const [key = '', ...others] = Object.keys(json)
  const value = json[key]
  if (others.length > 0) throw wrong(file, line, 'A line has exactly one member')
  if (key === 'host' && isObject(value)) return { line, kind: 'host', message: value }
  if (key === 'hostRaw' && typeof value === 'string' && !value.includes('\n')) {
    return { line, kind: 'host-raw', text: value }
  }
  if (key === 'hostEnd' && value === true) return { line, kind: 'host-end' }
  if (key === 'pluginExit' && Number.isInteger(value)) return { line, kind: 'plugin-exit', code: Number(value) }
  if (key === 'file' && isObject(value) && isFileName(value.name) && 'json' in value) {
    return { line, kind: 'file', name: value.name, json: value.json }
  }
  const message = key === 'plugin' && isObject(value) ? toPluginMessage(value) : undefined
  if (message) return { line, kind: 'plugin', ...message }
  throw wrong(file, line, `"${key}" is no step, or has a wrong value`)
}

function isFileName(value: unknown): value is string {
  return typeof value === 'string' && /^[a-z0-9][a-z0-9.-]*$/.test(value)
}

function assertOrder(steps: Step[], file: string): void {
  for (const [index, { kind, line }] of steps.entries()) {
    const next = steps[index + 1]
    if (kind === 'plugin-exit' && next) throw wrong(file, next.line, 'Nothing follows "pluginExit"')
    if (kind !== 'plugin-exit' && !next) throw wrong(file, line, 'The last line must be "pluginExit"')
    if (kind === 'host-end' && next?.kind !== 'plugin-exit')
      throw wrong(file, line, '"pluginExit" must follow "hostEnd"')
  }
  if (steps.length === 0) throw wrong(file, 1, 'It has no step')
}

function assertFiles(steps: Step[], file: string): void {
  const written = new Set<string>()
  for (const step of steps) {
    if (step.kind === 'file') written.add(step.name)
    const named = step.kind === 'host' ? [...JSON.stringify(step.message).matchAll(/\{"\$file":"([^"]*)"\}/g)] : []
    const missing = named.find(([, name = '']) => !written.has(name))
    if (missing) throw wrong(file, step.line, `No file "${missing[1]}" was written before`)
  }
}

function assertSequence(steps: Step[], file: string): void {
  const last = new Map<RequestId, number>()
  for (const step of steps) {
    if (step.kind !== 'plugin' || step.about !== 'parts') continue
    const seq = (last.get(step.id) ?? 0) + 1
    if (step.seq !== seq) throw wrong(file, step.line, `"seq" must be ${seq}`)
    last.set(step.id, seq)
  }
}

function wrong(file: string, line: number, problem: string, cause?: unknown): LmappError {
  return new LmappError('bad-input', `${file}:${line}: ${problem}.`, { details: { file, line }, cause })
}
