import { existsSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openBenchHome } from '../bench-home.ts'
import { openServer, openServerAtPort, type ProgramOptions, type Server } from './programs.ts'

export const targetNames = ['direct', 'go', 'node', 'lmapp', 'portkey', 'litellm'] as const
export type TargetName = (typeof targetNames)[number]

/** Whom the clients ask. */
export interface Target {
  name: TargetName
  /** Of chats. */
  url: string
  headers?: Record<string, string>
  /** What it calls a model of the upstream. */
  toModel(model: string): string
  /** Whether a conversation of a client is in its history. Absent: it has none. */
  hasHistory?(): Promise<boolean>
  /** The program between the clients and the upstream: none when they ask it directly. */
  pid?: number
}

/** One that is not there, and why. */
export interface Absence {
  name: TargetName
  reason: string
}

export interface OpenOptions extends Pick<ProgramOptions, 'load'> {
  /** For what a target wants to read. */
  folder: string
  upstream: Server
  /** Takes what was opened, to end it. */
  stack: AsyncDisposableStack
  /** Options of Node for lmapp's service, such as those of its profiler. */
  nodeOptions?: string[]
}

const cache =
  process.env.LMAPP_BENCH_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'lmapp-bench')
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const path = '/v1/chat/completions'
const node = process.execPath
/** No queue: how many an engine takes at a time is not what is measured. */
const mostStreams = 1024
/** What the rivals see of the environment: no key and no proxy of the user. */
const bare = { PATH: process.env.PATH }

/** Never throws: what cannot be opened is an absence. */
export async function openTarget(name: TargetName, options: OpenOptions): Promise<Target | Absence> {
  try {
    const target = await openers[name](options)
    const reason = await whyNot(target)
    return reason === undefined ? target : { name, reason }
  } catch (error) {
    return { name, reason: error instanceof Error ? error.message : String(error) }
  }
}

const openers: Record<TargetName, (options: OpenOptions) => Promise<Target>> = {
  direct: async ({ upstream }) => toTarget('direct', { address: upstream.address }),
  async go({ load, upstream, stack }) {
    const command = [load, 'proxy', upstream.address]
    return toTarget('go', stack.use(await openServer(command, { load })))
  },
  async node({ load, upstream, stack }) {
    const command = [node, here('node-proxy.mjs'), upstream.address]
    return toTarget('node', stack.use(await openServer(command, { load, env: bare })))
  },
  lmapp: openLmapp,
  portkey: openPortkey,
  litellm: openLitellm,
}

async function openLmapp({ load, upstream, stack, nodeOptions = [] }: OpenOptions): Promise<Target> {
  const box = { type: 'openai-compatible', url: `${upstream.address}/v1`, parallel: mostStreams }
  const home = stack.use(openBenchHome({ backends: { box } }))
  const [program = node, ...rest] = home.command
  const command = [program, ...nodeOptions, ...rest, 'serve', '--port', '0']
  const server = stack.use(await openServer(command, { load, env: home.env }))
  return toTarget('lmapp', server, {
    toModel: (model) => `box/${model}`,
    hasHistory: async () => (await home.openClient().listConversations({ limit: 1 })).length > 0,
  })
}

async function openPortkey({ load, upstream, stack }: OpenOptions): Promise<Target> {
  const program = join(cache, 'portkey/node_modules/@portkey-ai/gateway/build/start-server.js')
  assertInstalled('portkey', program)
  const server = await openServerAtPort(
    (port) => [node, '--import', here('loopback.mjs'), program, `--port=${port}`, '--headless'],
    {
      ...{ load, path: '/', withinMs: 30_000 },
      env: { ...bare, NODE_ENV: 'production', TRUSTED_CUSTOM_HOSTS: '127.0.0.1' },
    },
  )
  return toTarget('portkey', stack.use(server), {
    headers: { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `${upstream.address}/v1` },
  })
}

async function openLitellm({ load, folder, upstream, stack }: OpenOptions): Promise<Target> {
  const program = join(cache, 'litellm/bin/litellm')
  assertInstalled('litellm', program)
  const config = join(folder, 'litellm.json')
  const upstreamOfAll = { model: 'openai/*', api_base: `${upstream.address}/v1`, api_key: 'bench' }
  // What it reads as YAML may be JSON.
  writeFileSync(config, JSON.stringify({ model_list: [{ model_name: '*', litellm_params: upstreamOfAll }] }))
  const server = await openServerAtPort(
    (port) => [program, '--config', config, '--host', '127.0.0.1', '--port', `${port}`, '--telemetry', 'False'],
    {
      ...{ load, path: '/health/liveliness', withinMs: 120_000 },
      env: {
        ...bare,
        HOME: folder,
        LITELLM_LOCAL_MODEL_COST_MAP: 'True',
        LITELLM_LOG: 'ERROR',
        // Nobody else reaches it, and without a key it has less to do.
        LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY: 'true',
      },
    },
  )
  return toTarget('litellm', stack.use(server))
}

function assertInstalled(name: TargetName, program: string): void {
  if (!existsSync(program)) throw new Error(`not installed: bench/api/install-rivals.sh ${name}`)
}

function toTarget(
  name: TargetName,
  { address, pid }: { address: string; pid?: number },
  more: Partial<Target> = {},
): Target {
  return { name, url: address + path, toModel: (model) => model, ...(pid !== undefined && { pid }), ...more }
}

/** One question, which also is what each of them has answered before it is measured. */
async function whyNot({ url, headers, toModel }: Target): Promise<string | undefined> {
  for (const stream of [false, true]) {
    const messages = [{ role: 'user', content: 'Are you there?' }]
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer bench', ...headers },
      body: JSON.stringify({ model: toModel('short'), messages, stream }),
    })
    const text = await answer.text()
    if (!answer.ok) return `it answers ${answer.status}: ${text.replace(/\s+/g, ' ').slice(0, 120)}`
  }
  return undefined
}
