import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createClient, type LmappClient } from '../packages/client/src/index.ts'
import { createSocketTransport } from '../packages/client/src/node.ts'

const bin = fileURLToPath(new URL('../packages/cli/bin/lmapp.js', import.meta.url))
const away = { enabled: false }
/** Nothing is found by itself. */
const nothing = {
  ollama: { type: 'ollama', ...away },
  'llama-server': { type: 'llama-server', ...away },
  'lm-studio': { type: 'lm-studio', ...away },
}

/** A user with a home and a service of his own. Disposing ends the service. */
export interface BenchHome extends Disposable {
  command: string[]
  env: NodeJS.ProcessEnv
  run(args: string[]): Promise<void>
  /** Starts the service when none runs. */
  openClient(): LmappClient
}

export function openBenchHome(config: { backends: object; aliases?: object }): BenchHome {
  const folder = mkdtempSync(join(tmpdir(), 'lmapp-bench-'))
  const home = join(folder, 'home')
  for (const dir of [join(folder, 'run'), home]) mkdirSync(dir, { mode: 0o700 })
  const backends = { ...nothing, ...config.backends }
  writeFileSync(join(home, 'config.json'), JSON.stringify({ ...config, backends, models: { scan: false } }))
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    LMAPP_HOME: home,
    XDG_RUNTIME_DIR: join(folder, 'run'),
    LMAPP_OFFLINE: '1',
  }
  const command = [process.execPath, bin]
  return {
    command,
    env,
    run(args) {
      const { promise, resolve } = Promise.withResolvers<void>()
      spawn(process.execPath, [bin, ...args], { env, stdio: 'ignore' }).once('close', () => resolve())
      return promise
    },
    openClient() {
      spawnSync(process.execPath, [bin, 'backends', 'list'], { env, stdio: 'ignore' })
      const { stdout } = spawnSync(process.execPath, [bin, 'paths', '--json'], { env, encoding: 'utf8' })
      const { socket, tokenFile } = JSON.parse(stdout)
      const token = readFileSync(tokenFile, 'utf8').trim()
      return createClient({ transport: createSocketTransport({ socketPath: socket, token }) })
    },
    [Symbol.dispose]() {
      spawnSync(process.execPath, [bin, 'service', 'stop'], { env, stdio: 'ignore' })
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
