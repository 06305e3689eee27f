import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { ApiBackend } from 'lmapp-client'
import { LmappError } from 'lmapp-kit'
import { checkDisk, checkPip, checkPlaces } from '../doctor/check-machine.ts'
import { kindOf } from '../input/input.ts'
import { readTail } from '../input/read-tail.ts'
import { runCommand } from '../run.ts'
import { findPlaces } from '../service/service-places.ts'
import { createScriptedService, type Reply } from '../testing/scripted-service.ts'
import { createTestContext, type TestContextOptions } from '../testing/test-context.ts'

const home = mkdtempSync(join(tmpdir(), 'lmapp-unwell-'))
const environment = { LMAPP_HOME: home, XDG_RUNTIME_DIR: home, PATH: process.env.PATH }
after(() => rmSync(home, { recursive: true, force: true }))

async function lmapp(argv: readonly string[], answer: (route: string) => Reply, options: TestContextOptions = {}) {
  const service = createScriptedService(({ route }) => answer(route))
  const context = createTestContext({ connect: service.connect, environment, ...options })
  const code = await runCommand(context, argv)
  return { code, stdout: context.stdout.text, stderr: context.stderr.text }
}

const gone = () => Promise.reject(new LmappError('service-unavailable', 'Gone.', { details: { stage: 'connect' } }))

function backend(name: string, facts: Partial<ApiBackend>): ApiBackend {
  const breaker = { state: 'closed' } as const
  const state = 'unreachable'
  return {
    name,
    type: name,
    state,
    reason: null,
    version: null,
    execution: 'built-in',
    owner: 'external',
    breaker,
    ...facts,
  }
}

describe('without a service', () => {
  it('its status says so, and is no failure', async () => {
    const shown = await lmapp(['service', 'status'], () => ({ json: {} }), { connect: gone })
    assert.equal(shown.code, 0)
    assert.match(shown.stdout, /does not run/)
    const json = await lmapp(['service', 'status', '--json'], () => ({ json: {} }), { connect: gone })
    assert.equal(JSON.parse(json.stdout).running, false)
    assert.match((await lmapp(['service', 'stop'], () => ({ json: {} }), { connect: gone })).stdout, /does not run/)
  })

  it('a service that does not answer properly is a failure', async () => {
    const broken: Reply = { error: { code: 'service-unavailable', message: 'Odd.', details: { stage: 'answer' } } }
    assert.equal((await lmapp(['service', 'status'], () => broken)).code, 11)
  })

  it('doctor names it', async () => {
    const shown = await lmapp(['doctor'], () => ({ json: {} }), { connect: gone })
    assert.equal(shown.code, 11)
    assert.match(shown.stdout, /^problem +service: Gone\.\n +→ .*lmapp service logs/m)
  })
})

describe('lmapp doctor', () => {
  const report =
    (backends: ApiBackend[]) =>
    (route: string): Reply => {
      if (route === 'GET /backends') return { json: backends }
      return { json: route === 'GET /models' ? [] : { version: '1', pid: 1 } }
    }

  it('names what mends each backend, and that none is usable', async () => {
    const { code, stdout } = await lmapp(
      ['doctor'],
      report([
        backend('ollama', { reason: 'Nothing answers.', program: '/opt/ollama' }),
        backend('box', {}),
        backend('off', { state: 'disabled' }),
        backend('ill', { state: 'failed' }),
        backend('alien', { state: 'failed', reason: 'No backend type is called "alien".', mend: 'lmapp config edit' }),
        backend('shaky', { owner: 'lmapp', breaker: { state: 'open', reason: 'It died.' } }),
        backend('keyed', {
          type: 'llama-server',
          health: { running: false, state: 'failed', degraded: 'Wrong key.', active: 0, queued: 0, models: [] },
        }),
        backend('away', { type: 'ollama', breaker: { state: 'open', reason: 'It is gone.' } }),
        backend('mute', { state: 'slow', reason: 'It has not answered yet.', managedBy: 'a container' }),
        backend('stuck', { state: 'slow', restart: 'sudo systemctl restart ollama' }),
        backend('locked', { reason: 'It may not be run.', mend: 'chmod +x ./x.llamafile' }),
      ]),
    )
    assert.equal(code, 3)
    assert.match(stdout, /note +backend ollama: unreachable, Nothing answers\.\n.*ollama serve/)
    assert.match(stdout, /note +backend box: unreachable\n.*start it/)
    assert.match(stdout, /lmapp config set backends\.off\.enabled true/)
    assert.match(stdout, /warning +backend ill: failed\n.*lmapp backends logs ill/)
    assert.match(stdout, /warning +backend shaky: unreachable; left out for a while\n/)
    assert.match(stdout, /warning +backend alien: .*\n +→ lmapp config edit\n/)
    assert.match(stdout, /warning +backend keyed: unreachable\n +→ lmapp config edit\n/)
    assert.match(stdout, /note +backend away: unreachable\n.*https:\/\/ollama.com\/download/)
    assert.match(stdout, /warning +backend mute: slow, run by a container, It has not .*\n +→ lmapp backends show mute/)
    assert.match(stdout, /warning +backend stuck: slow\n +→ sudo systemctl restart ollama/)
    assert.match(stdout, /warning +backend locked: unreachable, It may not be run\.\n +→ chmod/)
    assert.match(stdout, /problem +backends: no backend is there/)
    assert.match(stdout, /note +models: none yet/)
  })

  it('says what is installed and would be started', async () => {
    const ollama = backend('ollama', { state: 'stopped', owner: 'lmapp', startable: true, program: '/opt/ollama' })
    const { code, stdout } = await lmapp(['doctor'], report([ollama]))
    assert.equal(code, 0)
    assert.match(stdout, /ok +backend ollama: stopped, lmapp starts \/opt\/ollama when it is needed/)
  })

  it('says that an alien configuration cannot be read', async () => {
    mkdirSync(join(home, 'folder.json'))
    const options = { environment: { ...environment, LMAPP_CONFIG: join(home, 'folder.json') } }
    assert.equal((await lmapp(['doctor'], report([backend('box', { state: 'running' })]), options)).code, 11)
  })

  it('finds folders that cannot be used, and a path too long for a socket', async () => {
    const places = findPlaces({ ...environment, LMAPP_HOME: '/dev/null/lmapp', XDG_RUNTIME_DIR: `/${'x'.repeat(120)}` })
    const problems = (await checkPlaces(places)).filter(({ state }) => state === 'problem')
    assert.ok(problems.some(({ name, message }) => name === 'data folder' && /cannot be made/.test(message)))
    assert.ok(problems.some(({ name }) => name === 'socket'))
    const ownFolder = join(home, 'config-only')
    mkdirSync(ownFolder)
    chmodSync(ownFolder, 0o500)
    if (process.getuid?.() !== 0) {
      const own = await checkPlaces(findPlaces({ ...environment, LMAPP_CONFIG: join(ownFolder, 'c.json') }))
      assert.match(own[0]?.message ?? '', /is not writable/)
    }
  })

  it('knows how much room there is, and whether pip is there', async () => {
    assert.match((await checkDisk(findPlaces(environment))).message, /free for/)
    assert.equal((await checkPip({ PATH: home })).state, 'note')
    writeFileSync(join(home, 'python'), '#!/bin/sh\necho 99.1\n', { mode: 0o755 })
    assert.deepEqual(await checkPip({ PATH: home }), { name: 'pip', state: 'ok', message: 'pip 99.1' })
  })
})

describe('lists that are empty', () => {
  it('say what to do', async () => {
    assert.match((await lmapp(['models', 'list'], () => ({ json: [] }))).stderr, /No model is there yet/)
    assert.match((await lmapp(['backends', 'list'], () => ({ json: [] }))).stderr, /lmapp doctor/)
  })
})

describe('lmapp backends show', () => {
  it('says why a backend is left out, and until when', async () => {
    const show = async (breaker: ApiBackend['breaker']) =>
      (await lmapp(['backends', 'show', 'x'], () => ({ json: backend('x', { breaker }) }))).stdout
    assert.match(
      await show({ state: 'open', reason: 'It died.', retryAt: '2026-08-14T09:00:00Z' }),
      /It died; tried again after 2026/,
    )
    assert.match(await show({ state: 'open' }), /it failed$/m)
    assert.match(await show({ state: 'half-open' }), /the next request tries it again/)
    const well = backend('x', { state: 'running', breaker: { state: 'half-open', reason: 'It was away.' } })
    assert.doesNotMatch((await lmapp(['backends', 'show', 'x'], () => ({ json: well }))).stdout, /Left out|away/)
  })
})

describe('lmapp backends start and stop', () => {
  it('say how it is then', async () => {
    const box = backend('box', { state: 'running', owner: 'lmapp', program: '/opt/box', startable: true })
    const started = await lmapp(['backends', 'start', 'box'], (route) =>
      route === 'POST /backends/box/start' ? { json: box } : { json: {} },
    )
    assert.deepEqual([started.code, started.stdout, started.stderr], [0, '', 'lmapp: box is running.\n'])
    const stopped = await lmapp(['backends', 'stop', 'box', '--json'], () => ({ json: { ...box, state: 'stopped' } }))
    assert.equal(JSON.parse(stopped.stdout).state, 'stopped')
    const shown = await lmapp(['backends', 'show', 'box'], () => ({ json: { ...box, state: 'stopped' } }))
    assert.match(shown.stdout, /Program +\/opt\/box\n/)
    assert.match(shown.stdout, /If needed +lmapp starts it/)
  })

  it('refuse what lmapp did not start, and name its owner', async () => {
    const refusal: Reply = {
      error: { code: 'not-owner', message: '"ollama" is run by systemd.', hint: 'sudo systemctl restart ollama' },
    }
    const { code, stderr } = await lmapp(['backends', 'stop', 'ollama'], () => refusal)
    assert.equal(code, 2)
    assert.match(stderr, /run by systemd\.\n.*sudo systemctl restart ollama/)
  })
})

describe('lmapp models pull', () => {
  it('stops at Ctrl-C, and says that it can go on', async () => {
    const progress = { type: 'progress', status: 'layer', progress: { done: 5, total: 10, unit: 'bytes' } }
    const service = createScriptedService(() => ({ lines: [progress] }))
    const context = createTestContext({ connect: service.connect, environment, stderr: { isTerminal: true } })
    const done = runCommand(context, ['models', 'pull', '--yes', 'x'])
    await context.stderr.until(/layer · 50 %/)
    context.send('SIGINT')
    assert.equal(await done, 130)
    assert.match(context.stderr.text, /What arrived is kept; go on: lmapp models pull --yes x/)
  })
})

describe('lmapp continue', () => {
  const conversation = (messages: object[]): Reply => ({ json: { id: 'c1', messages } })

  it('needs an answer', async () => {
    const shown = await lmapp(['continue', 'c1'], () => conversation([{ role: 'user' }]))
    assert.equal(shown.code, 2)
    assert.match(shown.stderr, /no answer in this conversation/)
  })

  it('says when the answer has ended in the meantime', async () => {
    const running = { id: 'm1', role: 'assistant', state: 'running', text: '', parts: [] }
    const shown = await lmapp(['continue', 'c1'], (route) =>
      route === 'GET /runs' ? { json: [] } : conversation([running]),
    )
    assert.equal(shown.code, 2)
    assert.match(shown.stderr, /has just ended/)
  })
})

describe('stdin', () => {
  it('is none when it is closed', () => {
    assert.equal(kindOf(987), 'none')
    assert.equal(kindOf(0) === 'terminal', process.stdin.isTTY === true)
  })

  it('that cannot be read is an error', async () => {
    const stdin = new Readable({
      read() {
        this.destroy(new Error('EISDIR'))
      },
    })
    const shown = await lmapp(['x'], () => ({ json: {} }), { stdin })
    assert.equal(shown.code, 2)
    assert.match(shown.stderr, /stdin could not be read/)
  })
})

describe('the end of a log', () => {
  it('is whole lines, also of a large file', async () => {
    const path = join(home, 'large.log')
    writeFileSync(path, `${'x'.repeat(99)}\n`.repeat(20_000))
    assert.equal(
      (await readTail(path, 1_000_000))?.split('\n').every((line) => line.length === 99 || line === ''),
      true,
    )
    await assert.rejects(readTail(`${path}/x`, 1))
  })
})

describe('a bug', () => {
  it('is reported as one', async () => {
    const shown = await lmapp(['models', 'list'], () => {
      throw new TypeError('x is undefined')
    })
    assert.equal(shown.code, 1)
    assert.match(shown.stderr, /should not have happened: x is undefined/)
  })
})

describe('lmapp serve', () => {
  it('prints its address first, and ends when it is asked to', async () => {
    const main = fileURLToPath(new URL('../main.ts', import.meta.url))
    const own = join(home, 'serve')
    mkdirSync(own)
    const child = spawn(process.execPath, ['--conditions=lmapp-source', main, 'serve', '--port', '0'], {
      env: { ...environment, LMAPP_HOME: own, XDG_RUNTIME_DIR: own },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = await once(child.stdout.setEncoding('utf8'), 'data')
    assert.match(line, /^http:\/\/127\.0\.0\.1:\d+\n$/)
    child.kill('SIGTERM')
    await once(child, 'close')
  })

  it('refuses a port that is none', async () => {
    assert.equal((await lmapp(['serve', '--port', '99999'], () => ({ json: {} }))).code, 2)
  })
})
