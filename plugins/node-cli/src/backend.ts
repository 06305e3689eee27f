import {
  type Backend,
  type BackendInfo,
  type ChatRequest,
  type Finish,
  type Health,
  interfaceVersion,
  LmappError,
  type Part,
} from 'lmapp-kit'
import { streamAnswer, toWarnings } from './answer.ts'
import type { NodeCliConfig } from './config/config.ts'
import { parseConfig } from './config/parse-config.ts'
import { createKnownModels } from './models/known-models.ts'
import { createModelList } from './models/model-list.ts'
import { runListCommand } from './models/run-list-command.ts'
import { findMissing } from './program/find-program.ts'
import { createLauncher } from './program/launcher.ts'
import { assertPossible } from './prompt/assert-possible.ts'
import { renderPrompt } from './prompt/render-prompt.ts'
import { toArguments } from './prompt/to-arguments.ts'
import { createSlots } from './slots.ts'

export const version = '0.1.0'

export interface Surroundings {
  /** The plugin's own folder. */
  dataDir: string
  /** For programs whose `env` names it. */
  apiKey?: string
  /** A line for people. */
  log?(line: string): void
  modelsChanged?(): void
  /** What programs inherit. Default: what the host lets this process have. */
  environment?: Readonly<Record<string, string | undefined>>
}

/** Programs of the command line as one backend. Nothing runs before it is asked. Throws `config-invalid`. */
export function createNodeCliBackend(value: unknown, surroundings: Surroundings): Backend {
  const config = parseConfig(value)
  const { dataDir, apiKey, log = () => {}, modelsChanged = () => {}, environment = process.env } = surroundings
  const launcher = createLauncher({ dataDir, environment, apiKey, log })
  const slots = createSlots(config.parallel)
  const { list } = config
  const listed =
    list &&
    createModelList({
      load: async () => runListCommand(list, launcher, started().signal),
      onChange: modelsChanged,
      onFailure: (error) => log(`[modelsCommand] ${error instanceof Error ? error.message : String(error)}`),
    })
  const models = createKnownModels(config, listed)
  /** From start to stop. */
  let life: AbortController | undefined

  async function* chat(request: ChatRequest, signal: AbortSignal): AsyncGenerator<Part, void> {
    if (signal.aborted) return yield cancelled
    assertPossible(request)
    const program = await models.find(request.model, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
    if (!program) return yield cancelled
    yield* toWarnings(request, program)
    if (slots.full) yield { type: 'status', phase: 'queued' }
    const release = await slots.take(signal)
    if (!release) return yield cancelled
    try {
      // It loads and reads as it likes, and says nothing of it.
      yield { type: 'status', phase: 'prompt' }
      const { options = {}, model } = request
      const rendered = renderPrompt(request.messages, program)
      const args = toArguments(program, { ...rendered, model, options })
      const task = { program, command: [program.command[0] ?? '', ...args], name: model }
      const input = program.prompt === 'stdin' && { input: rendered.prompt }
      const running = await launcher.launch({ ...task, ...input }, signal)
      yield* streamAnswer(running, request, program, signal)
    } finally {
      release()
    }
  }

  function started(): AbortController {
    if (life) return life
    throw new LmappError('backend-stopped', 'The backend is not started.')
  }

  async function stop(): Promise<void> {
    life?.abort(new LmappError('backend-stopped', 'The backend was stopped.'))
    life = undefined
    await launcher.endAll()
  }

  function toHealth(missing: readonly string[]): Health {
    const state = life ? 'running' : launcher.running > 0 ? 'stopping' : 'stopped'
    const degraded = toDegraded(config, missing)
    return {
      ...{ running: state === 'running', state, active: slots.active, queued: slots.queued, models: [] },
      ...(degraded !== undefined && { degraded }),
    }
  }

  return {
    async start() {
      life ??= new AbortController()
    },
    stop,
    isRunning: async () => toHealth(await findMissing(programsOf(config), environment.PATH)),
    async *chat(request, { signal } = {}) {
      const life = started().signal
      yield* chat(request, signal ? AbortSignal.any([life, signal]) : life)
    },
    listModels: async ({ signal } = {}) => (await models.names(signal)).map((id) => ({ id })),
    getInfo: async () => toInfo(config),
    async [Symbol.asyncDispose]() {
      await stop()
      await launcher[Symbol.asyncDispose]()
    },
  }
}

const cancelled: Finish = { type: 'finish', reason: 'cancelled', usage: {} }

function toInfo(config: NodeCliConfig): BackendInfo {
  const programs = programsOf(config)
  return {
    name: 'node-cli',
    version,
    interfaceVersion,
    description: programs.length === 0 ? 'No program is configured.' : `Runs ${programs.join(', ')}`,
    capabilities: {
      chat: 'yes',
      continue: 'no',
      tools: 'no',
      'json-schema': 'no',
      vision: 'no',
      reasoning: 'no',
      logprobs: 'no',
      embed: 'no',
      'count-tokens': 'no',
      load: 'no',
      unload: 'no',
      pull: 'no',
      remove: 'no',
      parallel: config.parallel,
    },
  }
}

/** Each once. */
function programsOf({ models, list }: NodeCliConfig): string[] {
  const programs = [...models.values(), ...(list ? [list.program, list] : [])]
  return [...new Set(programs.map(({ command: [program = ''] }) => program))]
}

function toDegraded({ models, list }: NodeCliConfig, missing: readonly string[]): string | undefined {
  if (models.size === 0 && !list) return 'No program is configured: name one in "models" under backends.<id>.config.'
  return missing.length === 0 ? undefined : `Not found: ${missing.join(', ')}`
}
