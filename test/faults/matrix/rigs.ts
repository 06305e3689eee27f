import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Home } from '../../support/home.ts'
import type { EngineName, Fault } from './expectations.ts'
import { llamaServer } from './llama-server.ts'
import { ollama } from './ollama.ts'
import { openaiCompatible } from './openai-compatible.ts'

/** One engine that fails in one way, and the means to look into it. Disposing ends it. */
export interface Rig extends AsyncDisposable {
  /** Its entry in the configuration. */
  backend: object
  /** The text of its answer, and as much of that as arrives before it fails in mid-answer. */
  whole: string
  begun: string
  /** How often it was asked for an answer. */
  asked(): number
  /** Of the engine, once it runs. */
  pid(): number | undefined
  /** Where it does not run, its owner starts it. */
  revive(): Promise<void>
  /** From now on it answers; and it is revived. */
  heal(): Promise<void>
}

/** How it fails; `echo`: not at all, and it says what it was asked. */
export type Manner = Fault | 'echo'

export async function openRig(engine: EngineName, fault: Manner): Promise<Rig> {
  const folder = await mkdtemp(join(tmpdir(), 'lmapp-rig-'))
  const rig = engine === 'subprocess' ? openPlugin(fault, folder) : await openServer(engine, fault, folder)
  return {
    ...rig,
    asked: () => readIfThere(join(folder, 'asked')).split('\n').length - 1,
    async heal() {
      await writeFile(join(folder, 'healed'), '')
      await rig.revive()
    },
    async [Symbol.asyncDispose]() {
      await rig.end?.()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

type Kind = Pick<Rig, 'backend' | 'whole' | 'begun' | 'pid' | 'revive'> & { end?(): Promise<void> }

const program = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** Makes the plugin known. It has to be there before the service starts. */
export async function installPlugin(home: Home): Promise<void> {
  const folder = join(home.dir, 'backends/fake')
  await mkdir(folder, { recursive: true })
  const manifest = {
    name: 'fake',
    version: '1.0.0',
    language: 'node',
    interface_version: '1.0',
    methods: ['start', 'stop', 'is_running', 'chat', 'list_models', 'get_info'],
    execution: 'subprocess',
    command: ['node', '--conditions=lmapp-source', program('plugin-process.ts')],
  }
  await writeFile(join(folder, 'lmapp-backend.json'), JSON.stringify(manifest))
}

/** lmapp starts its process, and ends it. */
function openPlugin(fault: Manner, folder: string): Kind {
  const whole = 'One two three four five six seven eight nine ten.'
  return {
    backend: { type: 'fake', config: { fault, folder, reply: fault === 'echo' ? '{question}' : whole } },
    whole,
    begun: 'One two three ',
    pid: () => Number(readIfThere(join(folder, 'pid'))) || undefined,
    revive: async () => {},
  }
}

const dialects = { ollama, 'openai-compatible': openaiCompatible, 'llama-server': llamaServer }

/** Somebody else's server, which runs all the time, except where it shall refuse. */
async function openServer(type: keyof typeof dialects, fault: Manner, folder: string): Promise<Kind> {
  const start = (port: number) => startServer([program('engine-process.ts'), type, fault, String(port), folder])
  let { child, port } = await start(0)
  if (fault === 'refused') await end(child)
  const { pieces } = dialects[type]
  return {
    backend: { type, url: `http://127.0.0.1:${port}${type === 'openai-compatible' ? '/v1' : ''}` },
    whole: pieces.join(''),
    begun: pieces.slice(0, 3).join(''),
    pid: () => child.pid,
    async revive() {
      if (isRunning(child)) return
      ;({ child, port } = await start(port))
    },
    end: () => end(child),
  }
}

async function startServer(args: string[]): Promise<{ child: ChildProcess; port: number }> {
  const child = spawn(process.execPath, args, { env: {}, stdio: ['pipe', 'pipe', 'inherit'] })
  const [text] = await once(child.stdout, 'data')
  return { child, port: Number(text) }
}

async function end(child: ChildProcess): Promise<void> {
  if (!isRunning(child)) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null
}

function readIfThere(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}
