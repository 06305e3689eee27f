import { mkdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bare, createHome, type Home, type RunOptions } from '../../support/home.ts'
import { startFakeEngine } from './fake-engine.ts'
import { startFakeHub } from './fake-hub.ts'
import { installFakePlugins } from './fake-plugin.ts'
import type { FakeServer } from './fake-server.ts'

/** A user, his engines and his network: all that the scenarios share. Disposing ends it. */
export interface World extends AsyncDisposable {
  home: Home
  engine: FakeServer
  hub: FakeServer
  /** Makes a second, empty home of the same user, with the service inside of its commands unless one is started. */
  elsewhere(name: string, config?: object): Promise<Elsewhere>
}

export interface Elsewhere {
  /** Its `LMAPP_HOME`. */
  dir: string
  historyFile: string
  options: RunOptions & { env: Record<string, string> }
}

/** Milliseconds. Long enough for the start of a process on a slow machine; a stall is waited for in full. */
const timeouts = { connectMs: 5000, stallMs: 1000, loadMs: 60_000 }

export async function openWorld(): Promise<World> {
  const stack = new AsyncDisposableStack()
  const engine = stack.use(await startFakeEngine())
  const hub = stack.use(await startFakeHub())
  const home = stack.use(await createHome())
  await installFakePlugins(home.dir)
  await home.configure(toConfig(engine, await writeModels(home.dir)))
  return {
    home,
    engine,
    hub,
    async elsewhere(name, config = bare) {
      const dir = join(home.env.HOME ?? '', name)
      await mkdir(join(dir, 'data'), { recursive: true, mode: 0o700 })
      await writeFile(join(dir, 'config.json'), JSON.stringify(config))
      const options = { env: { LMAPP_HOME: dir, LMAPP_SERVICE: 'off' } }
      return { dir, historyFile: join(dir, 'data/history.sqlite'), options }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

function toConfig(engine: FakeServer, models: Record<string, string>): object {
  const endless = { reply: 'on and ', repeatTokens: 100_000, paceMs: 10 }
  const mock = {
    echo: {},
    endless,
    'same-one': {},
    'same-two': {},
    free: { reply: 'Just words.', schema: false },
  }
  return {
    backends: {
      ...bare.backends,
      box: { type: 'mock', models: mock },
      vllm: { type: 'openai-compatible', url: `${engine.url}/v1` },
      // A port that nobody can listen on.
      nobody: { type: 'ollama', url: 'http://127.0.0.1:1' },
      'nobody-else': { type: 'ollama', url: 'http://127.0.0.1:1' },
      stranger: { type: 'stranger' },
      mistaken: { type: 'ollama', url: engine.url },
      embedded: { type: 'embedded', models },
    },
    aliases: { both: ['nobody-else/any', 'vllm/500'] },
    // What is stopped by hand would be started again.
    failover: { retries: 0 },
    timeouts,
  }
}

/** Two files that cannot be loaded: one has nothing of a model but the name, the other is far too large. */
async function writeModels(homeDir: string): Promise<Record<string, string>> {
  const models = { broken: join(homeDir, 'broken.gguf'), giant: join(homeDir, 'giant.gguf') }
  await writeFile(models.broken, 'Nothing of a model.')
  await writeFile(models.giant, smallestHeader())
  // Sparse: it takes no room on the disk.
  await truncate(models.giant, 2 ** 40)
  return models
}

/** A GGUF file, version 3, without tensors, with the one entry that says what it is. */
function smallestHeader(): Buffer {
  const text = (value: string) => Buffer.concat([uint64(value.length), Buffer.from(value)])
  const isText = uint32(8)
  return Buffer.concat([
    Buffer.from('GGUF'),
    uint32(3),
    uint64(0),
    uint64(1),
    text('general.architecture'),
    isText,
    text('llama'),
  ])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}
