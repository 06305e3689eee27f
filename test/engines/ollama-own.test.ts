/** The real Ollama, started and ended by us, with its runners. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createOllamaBackend } from '@lmapp/backends/ollama'
import { importModel } from './start-ollama.ts'

const cache =
  process.env.LMAPP_TEST_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'lmapp-test')
const program = join(cache, 'ollama/bin/ollama')
const script = join(import.meta.dirname, '../../packages/backends/src/ollama/own/fixtures/owner.ts')
const timeouts = { connectMs: 10_000, stallMs: 60_000, loadMs: 600_000 }

interface Owner {
  owner: ChildProcess
  url: string
  dir: string
  /** Of the processes of Ollama that carry this folder in their environment. */
  pids(): Promise<number[]>
  untilGone(pids: readonly number[]): Promise<void>
}

/** A process that owns an Ollama with a model in memory. */
async function withOwner(test: (owned: Owner) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'lmapp-own-'))
  const owner = spawn(process.execPath, ['--conditions=lmapp-source', script, dir, program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const pids = () => findPids(dir)
  try {
    assert.ok(owner.stdout)
    const [said] = await once(createInterface({ input: owner.stdout }), 'line')
    const url = String(said).replace('Ollama at ', '')
    await importModel({ url, version: '', [Symbol.asyncDispose]: async () => {} }, 'smollm2')
    await using backend = createOllamaBackend({ url, timeouts })
    await backend.loadModel('smollm2')
    assert.equal((await pids()).length, 2, 'the server and the runner of its model')
    await test({ owner, url, dir, pids, untilGone })
    assert.deepEqual(await pids(), [])
  } finally {
    owner.kill('SIGKILL')
    await untilGone(await pids())
    await rm(dir, { recursive: true, force: true })
  }
}

async function findPids(dir: string): Promise<number[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const read = (pid: string, file: string) => readFile(join('/proc', pid, file), 'utf8').catch(() => '')
  const found = await Promise.all(
    names.map(async (pid) => {
      const isOllama = (await read(pid, 'cmdline')).startsWith(program)
      return isOllama && (await read(pid, 'environ')).includes(`HOME=${dir}`) ? [Number(pid)] : []
    }),
  )
  return found.flat()
}

async function untilGone(pids: readonly number[]): Promise<void> {
  const isThere = (pid: number) => {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  }
  while (pids.some(isThere)) await delay(5)
}

describe('the real Ollama as a child', { skip: process.platform !== 'linux' && 'needs /proc' }, () => {
  it('unloads its models and ends when its owner ends', () =>
    withOwner(async ({ owner, dir, pids, untilGone }) => {
      const running = await pids()
      owner.kill('SIGTERM')
      await untilGone(running)
      assert.match(await readFile(join(dir, 'ollama.log'), 'utf8'), /Listening on 127\.0\.0\.1:\d+ \(version/)
    }))

  it('ends with its runners when its owner is killed', () =>
    withOwner(async ({ owner, pids, untilGone }) => {
      const running = await pids()
      owner.kill('SIGKILL')
      await untilGone(running)
    }))

  it('takes its runners along when it is killed itself', () =>
    withOwner(async ({ pids, untilGone }) => {
      const running = await pids()
      process.kill(Math.min(...running), 'SIGKILL')
      await untilGone(running)
    }))
})
