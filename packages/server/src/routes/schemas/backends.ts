import type { ApiBackend, ApiBackendLog, ServiceHealth } from 'lmapp-client'
import type { BackendInfo, Health, ModelHealth, ModelInfo } from 'lmapp-kit'
import { capabilitiesSchema, modelInfoSchema } from './models.ts'
import { closed, count, described, flag, listOf, open, orNull, text, time, words } from './shape.ts'

const modelHealth = open<ModelHealth>(
  { id: text, state: words('unloaded', 'loading', 'ready') },
  { progress: { type: 'number', minimum: 0, maximum: 1 } },
)

const health = open<Health>(
  {
    running: flag,
    state: words('stopped', 'starting', 'running', 'stopping', 'failed'),
    active: described('Answers that are being written now.', count),
    queued: count,
    models: listOf(modelHealth),
  },
  { degraded: described('Why it works less well than it should.', text) },
)

const info = open<BackendInfo>(
  { name: text, version: text, interfaceVersion: text, capabilities: capabilitiesSchema },
  { engineVersion: text, description: text },
)

const needed = {
  name: described('Its id.', text),
  type: text,
  state: words<ApiBackend['state']>(
    ...(['stopped', 'starting', 'running', 'stopping', 'failed'] as const),
    ...(['unreachable', 'slow', 'disabled', 'available'] as const),
  ),
  reason: described('Why it is in that state; null when all is well.', orNull(text)),
  version: orNull(text),
  execution: words('built-in', 'subprocess', 'ffi', 'grpc'),
  owner: described('Who started it.', words('lmapp', 'external')),
  breaker: closed<ApiBackend['breaker']>(
    { state: described('`open`: it is passed by for a while.', words('closed', 'open', 'half-open')) },
    { retryAt: time, reason: text },
  ),
}
const optional = {
  mend: described('The command that mends it.', text),
  managedBy: described('Who keeps it running, where that is not lmapp.', text),
  restart: described('The command by which its manager restarts it.', text),
  program: described('Where its program is on this machine.', text),
  startable: described('Whether lmapp starts it when it is needed.', flag),
  address: text,
  installed: closed<NonNullable<ApiBackend['installed']>>({ version: text, from: text, sha256: text, at: text }, {}),
  notes: listOf(text),
  info,
  health,
}

export const backendSchema = closed<ApiBackend>(needed, optional)

export const backendWithModelsSchema = closed<ApiBackend & { models?: ModelInfo[] }>(needed, {
  ...optional,
  models: described('While it runs.', listOf(modelInfoSchema)),
})

export const backendLogSchema = closed<ApiBackendLog>({ log: text }, {})

export const serviceHealthSchema = closed<ServiceHealth>(
  {
    version: text,
    apiVersion: { type: 'integer', const: 1 },
    pid: { type: 'integer', minimum: 1 },
    since: time,
    foreground: described('Whether it is `lmapp serve`.', flag),
    activeRuns: count,
    queuedRuns: count,
  },
  { address: described('Where it is open to programs.', text) },
)
