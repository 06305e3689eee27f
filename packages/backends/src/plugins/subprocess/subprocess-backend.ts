import {
  type Backend,
  type CallOptions,
  type FileValue,
  type Health,
  isCompatibleVersion,
  LmappError,
  type Manifest,
  type PullProgress,
  readFileValue,
  removeFileValue,
} from 'lmapp-kit'
import {
  createEngineLog,
  createSupervisor,
  type ProcessRecords,
  type Supervisor,
  toChildEnvironment,
} from '../../processes/index.ts'
import { currentPlatform } from '../discover-plugins.ts'
import { streamChat } from './chat.ts'
import { withLarge } from './large.ts'
import { openSession, otherVersion, toExchangeDir } from './open-session.ts'
import { parseEmbedding, parseHealth, parseInfo, parseModel, parseModels, parseTokenCount } from './parse-results.ts'
import { streamPull } from './pull.ts'
import type { Session } from './session.ts'
import { defaultTimeouts, type SubprocessTimeouts } from './timeouts.ts'

export interface SubprocessBackendOptions {
  manifest: Manifest
  /** The manifest's folder. */
  directory: string
  /** For `hello`. */
  config: Record<string, unknown>
  /** For `hello`; a function is asked at each start, so that a changed key counts. */
  secrets: Record<string, string> | (() => Promise<Record<string, string>>)
  /** Called before each start of the process; what it throws is why there is none. */
  beforeStart?: () => Promise<void>
  /** The plugin's own folder; `exchange` in it is the host's, for large values. Made when the process starts. */
  dataDir: string
  /** What the plugin says for people; at 1 MiB it becomes `<logFile>.1`. */
  logFile: string
  timeouts?: Partial<SubprocessTimeouts>
  /** Where allow-listed variables are taken from. Default: this process's. */
  environment: Readonly<Record<string, string | undefined>>
  /** Where the command's program is `node`. Default: the Node that runs this, without options. */
  execPath?: string
  execArgv?: readonly string[]
  /** Full paths of what bare program names in the command stand for: `python` of the plugin's own environment. */
  programs?: Readonly<Record<string, string>>
  /** Where its process is written down while it runs. */
  records?: ProcessRecords
  /** Waits before a restart after several crashes. Default: by the clock. */
  waitForRestart?: (milliseconds: number, signal: AbortSignal) => Promise<void>
}

/**
 * A backend that is a program of someone else's. Creating it costs nothing; the process starts at the first need, and
 * again after it died. Methods that the manifest does not list are absent.
 * Throws `interface-version` and `unsupported` for a manifest that cannot be run here.
 */
export function createSubprocessBackend(options: SubprocessBackendOptions): Backend {
  const { manifest } = options
  assertRunnable(manifest)
  const timeouts = { ...defaultTimeouts, ...options.timeouts }
  const supervisor = createSupervisor({
    name: manifest.name,
    launch: createLauncher(options, timeouts),
    ...(options.waitForRestart && { wait: options.waitForRestart }),
  })
  const host: Host = { supervisor, timeouts, exchangeDir: toExchangeDir(options.dataDir) }
  const optional = Object.entries(createOptionalMethods(host)).filter(([, { method }]) =>
    manifest.methods.includes(method),
  )
  return {
    ...createRequiredMethods(host),
    ...Object.fromEntries(optional.map(([name, { call }]) => [name, call])),
  }
}

interface Host {
  supervisor: Supervisor<Session>
  timeouts: SubprocessTimeouts
  exchangeDir: string
}

type RequiredMethods = Pick<
  Backend,
  'start' | 'stop' | 'isRunning' | 'chat' | 'listModels' | 'getInfo' | typeof Symbol.asyncDispose
>

type OptionalName = Exclude<keyof Backend, keyof RequiredMethods>

type OptionalMethods = { [Name in OptionalName]-?: { method: string; call: NonNullable<Backend[Name]> } }

function createRequiredMethods(host: Host): RequiredMethods {
  const { supervisor, timeouts, exchangeDir } = host
  return {
    start: async ({ signal } = {}) => {
      await acquire(host, signal)
    },
    stop: supervisor.stop,
    [Symbol.asyncDispose]: supervisor.stop,
    isRunning: (options) => askHealth(host, options),
    chat: (request, { signal } = {}) =>
      streamChat({
        acquire: () => supervisor.acquire(signal),
        request,
        exchangeDir,
        signal,
        onFinish: supervisor.succeeded,
      }),
    listModels: async (options) => parseModels(await call(host, 'list_models', {}, timeouts.callMs, options)),
    getInfo: async (options) => parseInfo(await call(host, 'get_info', {}, timeouts.callMs, options)),
  }
}

function createOptionalMethods(host: Host): OptionalMethods {
  const { callMs, workMs } = host.timeouts
  const { exchangeDir } = host
  const work = (method: string) => ({
    method,
    call: async (model: string, options?: CallOptions) => {
      await call(host, method, { model }, workMs, options)
    },
  })
  return {
    loadModel: work('load_model'),
    unloadModel: work('unload_model'),
    removeModel: work('remove_model'),
    showModel: {
      method: 'show_model',
      call: async (model, options) => parseModel(await call(host, 'show_model', { model }, callMs, options)),
    },
    countTokens: {
      method: 'count_tokens',
      call: async ({ model, messages, tools }, options) => {
        await acquire(host, options?.signal)
        const ask = (large: unknown) =>
          call(host, 'count_tokens', { model, messages: large, ...(tools && { tools }) }, callMs, options)
        return parseTokenCount(await withLarge(messages, exchangeDir, ask))
      },
    },
    embed: {
      method: 'embed',
      call: async ({ model, input }, options) => {
        await acquire(host, options?.signal)
        const ask = (large: unknown) => call(host, 'embed', { model, input: large }, workMs, options)
        return await parseEmbedding(await withLarge(input, exchangeDir, ask), (file) => takeFile(exchangeDir, file))
      },
    },
    pullModel: { method: 'pull_model', call: (model, options) => pull(host, model, options) },
  }
}

async function call(
  host: Host,
  method: string,
  params: unknown,
  deadlineMs: number,
  { signal }: CallOptions = {},
): Promise<unknown> {
  const session = await acquire(host, signal)
  return await session.call(method, params, { signal, deadlineMs })
}

async function acquire({ supervisor }: Host, signal: AbortSignal | undefined): Promise<Session> {
  try {
    return await supervisor.acquire(signal)
  } catch (error) {
    if (!signal?.aborted || error !== signal.reason) throw error
    throw new LmappError('cancelled', 'It was cancelled before the backend was started.', { cause: error })
  }
}

async function askHealth({ supervisor, timeouts }: Host, { signal }: CallOptions = {}): Promise<Health> {
  const session = supervisor.state === 'running' ? supervisor.current : undefined
  try {
    if (session) {
      return parseHealth(await session.call('is_running', {}, { signal, deadlineMs: timeouts.healthMs, gentle: true }))
    }
  } catch (error) {
    if (supervisor.current === session) throw error
  }
  const { state, failure } = supervisor
  return { running: false, state, ...(failure && { degraded: failure }), active: 0, queued: 0, models: [] }
}

async function takeFile(exchangeDir: string, file: FileValue): Promise<Uint8Array> {
  try {
    return await readFileValue(exchangeDir, file)
  } finally {
    await removeFileValue(exchangeDir, file)
  }
}

async function* pull(host: Host, model: string, { signal }: CallOptions = {}): AsyncGenerator<PullProgress, void> {
  const session = await acquire(host, signal)
  yield* streamPull({ session, model, signal, deadlineMs: host.timeouts.workMs })
}

function assertRunnable({ name, execution, command, platforms, interface_version }: Manifest): void {
  if (!isCompatibleVersion(interface_version)) throw otherVersion(name, interface_version)
  if (execution !== 'subprocess' || !command) {
    throw new LmappError('unsupported', `The backend "${name}" is no subprocess, but "${execution}".`)
  }
  if (platforms && !platforms.includes(currentPlatform)) {
    throw new LmappError('unsupported', `The backend "${name}" does not run on ${currentPlatform}.`, {
      details: { platforms, platform: currentPlatform },
    })
  }
}

function createLauncher(
  options: SubprocessBackendOptions,
  timeouts: SubprocessTimeouts,
): (signal: AbortSignal) => Promise<Session> {
  const { manifest, directory, config, secrets, dataDir } = options
  const log = createEngineLog({ file: options.logFile })
  return async (signal) => {
    await options.beforeStart?.()
    return openSession(
      {
        ...{ name: manifest.name, directory, config, dataDir, timeouts, log },
        secrets: typeof secrets === 'function' ? await secrets() : secrets,
        command: manifest.command ?? [],
        environment: toChildEnvironment(options.environment),
        execPath: options.execPath ?? process.execPath,
        execArgv: options.execArgv ?? [],
        ...(options.programs && { programs: options.programs }),
        ...(options.records && { records: options.records }),
      },
      signal,
    )
  }
}
