import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Connection, createConnection, createOutput, type HelloResult, type Part, type RequestId } from 'lmapp-kit'

/** The program as a host runs it: the one that is installed, where the environment names it, else its sources. */
const main = process.env.NODE_CLI_MAIN ?? join(import.meta.dirname, '../../src/main.ts')

export interface Plugin extends AsyncDisposable {
  child: ChildProcess
  connection: Connection
  stderr(): string
  /** The notifications without those of `parts`. */
  heard: string[]
  partsOf(id: RequestId): Part[]
  hello(config: object, secrets?: object): Promise<HelloResult>
  /** Resolves when a part of the chat has come for which this holds. */
  until(id: RequestId, isIt: (part: Part) => boolean): Promise<void>
}

export async function openPlugin(): Promise<Plugin> {
  const folder = await mkdtemp(join(tmpdir(), 'lmapp-node-cli-plugin-'))
  const child = spawn(process.execPath, [...process.execArgv.filter((flag) => flag.startsWith('--conditions')), main], {
    cwd: join(dirname(main), '..'),
    detached: true,
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text))
  child.stdin.on('error', () => {})
  const exited = once(child, 'exit')
  const parts = new Map<RequestId, Part[]>()
  const heard: string[] = []
  let wake = () => {}
  const connection = createConnection({
    input: child.stdout,
    output: createOutput(child.stdin),
    onRequest: () => assertNothingAsked(),
    onNotification(method, params) {
      if (method !== 'parts') return void heard.push(method)
      const { id, parts: more } = params as { id: RequestId; parts: Part[] }
      parts.set(id, [...(parts.get(id) ?? []), ...more])
      wake()
    },
  })
  return {
    child,
    connection,
    heard,
    stderr: () => stderr,
    partsOf: (id) => parts.get(id) ?? [],
    async hello(config, secrets = {}) {
      const result = await connection.call('hello', {
        ...{
          interfaceVersions: ['1.0'],
          nonce: 'n',
          config,
          secrets,
          limits: {},
          dataDir: folder,
          exchangeDir: folder,
        },
      }).response
      await connection.call('start').response
      return result as HelloResult
    },
    async until(id, isIt) {
      while (!parts.get(id)?.some(isIt)) await new Promise<void>((resolve) => (wake = resolve))
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function assertNothingAsked(): never {
  throw new Error('A plugin asks nothing.')
}
