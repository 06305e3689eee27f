import type { ApiBackend, LmappClient } from 'lmapp-client'
import { isLmappError } from 'lmapp-kit'
import type { CommandContext } from '../context.ts'
import { formatPlural } from '../output/format.ts'
import type { Check } from './check.ts'

/** Starts the service if it must: that it can be started is a part of what is looked at. */
export async function checkService(context: CommandContext): Promise<Check[]> {
  try {
    const connection = await context.connect({ start: true })
    try {
      return await askService(connection.client)
    } finally {
      await connection.close()
    }
  } catch (error) {
    if (!isLmappError(error)) throw error
    return [{ name: 'service', state: 'problem', code: error.code, message: error.message, mend: error.hint }]
  }
}

async function askService(client: LmappClient): Promise<Check[]> {
  const [{ version, pid }, backends, models] = await Promise.all([
    client.health(),
    client.listBackends(),
    client.listModels(),
  ])
  return [
    { name: 'service', state: 'ok', message: `version ${version}, process ${pid}` },
    ...backends.map(checkBackend),
    ...(backends.some(isUsable) ? [] : [noBackend]),
    checkModels(models.length),
  ]
}

const noBackend: Check = {
  name: 'backends',
  state: 'problem',
  code: 'no-backend',
  message: 'no backend is there that could answer',
  mend: 'Start an engine, or name one: lmapp config edit',
}

function isUsable({ state }: ApiBackend): boolean {
  return state === 'running' || state === 'starting' || state === 'stopped'
}

function checkBackend(backend: ApiBackend): Check {
  const name = `backend ${backend.name}`
  const message = describe(backend)
  const absent = backend.state === 'unreachable' && backend.owner === 'external'
  if (backend.breaker.state === 'open' && !absent) {
    return { name, state: 'warning', message: `${message}; left out for a while`, mend: logs(backend) }
  }
  if (isUsable(backend)) return toUsable(backend, { name, message })
  switch (backend.state) {
    case 'available':
      return { name, state: 'note', message, ...(backend.mend && { mend: `If you want it: ${backend.mend}` }) }
    case 'disabled':
      return { name, state: 'note', message, mend: `lmapp config set backends.${backend.name}.enabled true` }
    case 'failed':
      return { name, state: 'warning', message, mend: backend.mend ?? logs(backend) }
    case 'slow':
      return { name, state: 'warning', message, mend: backend.restart ?? `lmapp backends show ${backend.name}` }
    default:
      return checkAbsent(backend, { name, message })
  }
}

function toUsable({ notes }: ApiBackend, { name, message }: { name: string; message: string }): Check {
  if (!notes) return { name, state: 'ok', message }
  return { name, state: 'warning', message: `${message}; ${notes.join(' ')}`, mend: 'lmapp paths' }
}

function describe(backend: ApiBackend): string {
  const { state, version, address, reason, owner, managedBy, program, startable } = backend
  const facts = [
    state,
    version && `version ${version}`,
    address,
    owner === 'external' && managedBy !== undefined && `run by ${managedBy}`,
    state === 'stopped' && startable && program !== undefined && `lmapp starts ${program} when it is needed`,
    reason,
  ]
  return facts.filter(Boolean).join(', ')
}

function checkAbsent(backend: ApiBackend, { name, message }: { name: string; message: string }): Check {
  if (backend.mend !== undefined) return { name, state: 'warning', message, mend: backend.mend }
  // Somebody is there and refuses, or is another program: starting one more mends nothing.
  if (backend.health?.degraded !== undefined) return { name, state: 'warning', message, mend: 'lmapp config edit' }
  const isInstalled = backend.program !== undefined || installs[backend.type] === undefined
  const start = isInstalled ? starts[backend.type] : installs[backend.type]
  return {
    name,
    state: 'note',
    message,
    mend: start === undefined ? 'If you want it, start it' : `If you want it: ${start}`,
  }
}

/** What starts an engine, by its type. */
const starts: Readonly<Record<string, string>> = {
  ollama: 'ollama serve',
  'llama-server': 'llama-server -m MODEL.gguf',
  'lm-studio': 'lms server start',
}

/** Where an engine is to be had that a look at the machine would have found. */
const installs: Readonly<Record<string, string>> = {
  ollama: 'https://ollama.com/download',
}

function logs({ name }: ApiBackend): string {
  return `lmapp backends logs ${name}`
}

function checkModels(count: number): Check {
  if (count > 0) return { name: 'models', state: 'ok', message: formatPlural(count, 'model') }
  return {
    name: 'models',
    state: 'note',
    message: 'none yet: the first question fetches a small one',
    mend: 'lmapp models pull NAME',
  }
}
