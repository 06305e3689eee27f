import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { ErrorCode, Status } from 'lmapp-kit'
import { isLmappError } from 'lmapp-kit'
import { findEngine, installEngine } from './embedded-engine.ts'
import { toForwardedEnvironment } from './forwarded-environment.ts'
import { ensurePrivateFolder } from './private-folder.ts'
import { tryServiceLock } from './service-lock.ts'
import { toServiceEnvironment } from './start-service.ts'
import { ensureToken, readToken } from './token.ts'

const folder = mkdtempSync(join(tmpdir(), 'lmapp-service-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const fresh = (name: string) => join(mkdtempSync(join(folder, 'x')), name)
const withCode = (code: ErrorCode) => (error: unknown) => isLmappError(error, code)

describe('the lock of the service', () => {
  it('is held by one, and free again when it is given back', () => {
    const file = fresh('lock')
    const lock = tryServiceLock(file)
    assert.ok(lock)
    assert.equal(tryServiceLock(file), undefined)
    lock[Symbol.dispose]()
    const next = tryServiceLock(file)
    assert.ok(next)
    next[Symbol.dispose]()
  })

  it('is free again when its holder is killed', async () => {
    const file = fresh('lock')
    const source = `
      const { tryServiceLock } = await import(${JSON.stringify(new URL('./service-lock.ts', import.meta.url).href)})
      globalThis.lock = tryServiceLock(${JSON.stringify(file)})
      console.log('held')
      setInterval(() => {}, 1000)`
    const holder = spawn(process.execPath, ['--input-type=module', '-e', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(holder.stdout, 'data')
    assert.equal(tryServiceLock(file), undefined)
    holder.kill('SIGKILL')
    await once(holder, 'close')
    const lock = tryServiceLock(file)
    assert.ok(lock)
    lock[Symbol.dispose]()
  })

  it('that cannot be made is an error, not a lock', () => {
    assert.throws(() => tryServiceLock(join(folder, 'no/such/folder/lock')))
  })
})

describe('the folder of the socket', () => {
  it('is made for this user only', () => {
    const path = fresh('run')
    ensurePrivateFolder(path)
    assert.equal(statSync(path).mode & 0o777, 0o700)
    ensurePrivateFolder(path)
  })

  it('is refused when others can enter it, with the command that mends it', () => {
    const path = fresh('run')
    mkdirSync(path)
    chmodSync(path, 0o755)
    assert.throws(
      () => ensurePrivateFolder(path),
      (error) => isLmappError(error, 'path-unusable') && error.hint.includes('chmod 700'),
    )
  })

  it('is refused when it is a link, a file, somebody else’s, or cannot be made', () => {
    const link = fresh('run')
    symlinkSync(tmpdir(), link)
    const file = fresh('run')
    writeFileSync(file, '')
    const own = fresh('run')
    ensurePrivateFolder(own)
    assert.throws(() => ensurePrivateFolder(link), withCode('path-unusable'))
    assert.throws(() => ensurePrivateFolder(file), withCode('path-unusable'))
    assert.throws(() => ensurePrivateFolder(own, 4_000_000), withCode('path-unusable'))
    assert.throws(() => ensurePrivateFolder(join(file, 'below')), withCode('path-unusable'))
  })

  it('needs no owner where the system has none', () => {
    ensurePrivateFolder(fresh('run'), undefined)
  })
})

describe('the token', () => {
  it('is made once, readable by its owner only, and read again', () => {
    const file = fresh('token')
    assert.equal(readToken(file), undefined)
    const token = ensureToken(file)
    assert.match(token, /^[0-9a-f]{64}$/)
    assert.equal(ensureToken(file), token)
    assert.equal(readToken(file), token)
    assert.equal(statSync(file).mode & 0o777, 0o600)
  })

  it('that cannot be read or is empty is an error', () => {
    assert.throws(() => readToken(folder), withCode('path-unusable'))
    const empty = fresh('token')
    writeFileSync(empty, '')
    assert.throws(() => ensureToken(empty))
  })
})

describe('what goes along', () => {
  it('to the service: the variables that lmapp reads and those that hold a configured key, no others', () => {
    const config = fresh('config.json')
    writeFileSync(config, '{ "backends": { "box": { "type": "ollama", "apiKeyEnv": "BOX_KEY" } } }')
    const environment = { OLLAMA_HOST: 'box:1', BOX_KEY: 'secret', OTHER_KEY: 'not yours' }
    assert.deepEqual(toForwardedEnvironment(environment, config), { OLLAMA_HOST: 'box:1', BOX_KEY: 'secret' })
    assert.deepEqual(toForwardedEnvironment(environment, join(folder, 'none')), { OLLAMA_HOST: 'box:1' })
  })

  it('into the environment of the service: what programs and pip need, nothing that changes what lmapp does', () => {
    const environment = {
      PATH: '/bin',
      LMAPP_HOME: '/h',
      LMAPP_MODEL: 'm',
      OLLAMA_HOST: 'h',
      OPENAI_API_KEY: 'k',
      https_proxy: 'p',
    }
    assert.deepEqual(toServiceEnvironment(environment), { PATH: '/bin', LMAPP_HOME: '/h', https_proxy: 'p' })
  })
})

describe('the engine of the embedded backend', () => {
  /** A stand-in for npm that does what the script says, with the folder it was started in. */
  const npm = (script: string) => [process.execPath, '-e', script]
  const install = `
    const fs = require('node:fs')
    const { dependencies } = JSON.parse(fs.readFileSync('package.json', 'utf8'))
    for (const name of Object.keys(dependencies)) {
      fs.mkdirSync('node_modules/' + name, { recursive: true })
      fs.writeFileSync('node_modules/' + name + '/package.json', JSON.stringify({ name, main: 'index.js' }))
      fs.writeFileSync('node_modules/' + name + '/index.js', process.argv.slice(1).join(' '))
    }`
  const options = { signal: new AbortController().signal, offline: false }
  const steps = (installation: Parameters<typeof installEngine>[0], more = {}): Promise<Status[]> =>
    Array.fromAsync(installEngine(installation, { ...options, ...more }))
  const somewhere = () => ({ pluginDir: fresh('plugin'), enginesDir: fresh('engines'), platform: 'linux-x64' })

  it('is installed once: the library and the one build that fits, announced', async () => {
    const installation = { ...somewhere(), npm: npm(install) }
    assert.equal(findEngine(installation), undefined)
    const [announced] = await steps(installation)
    assert.equal(announced?.phase, 'fetching')
    const found = findEngine(installation)
    assert.ok(found)
    const { dependencies } = JSON.parse(readFileSync(join(found, 'package.json'), 'utf8'))
    assert.deepEqual(Object.keys(dependencies), ['node-llama-cpp', '@node-llama-cpp/linux-x64'])
    const flags = readFileSync(join(found, 'node_modules/node-llama-cpp/index.js'), 'utf8')
    assert.match(flags, /--omit=optional --ignore-scripts/)
    assert.deepEqual(await steps(installation), [])
  })

  it('is not fetched where the network is forbidden, nor for a machine without a build', async () => {
    await assert.rejects(steps(somewhere(), { offline: true }), withCode('offline'))
    await assert.rejects(steps({ ...somewhere(), platform: 'sunos-x64' }), withCode('unsupported'))
  })

  it('that npm cannot install leaves nothing behind and says what npm said last', async () => {
    const installation = { ...somewhere(), npm: npm('console.error("E404 nothing there"); process.exit(1)') }
    await assert.rejects(
      steps(installation),
      (error) => isLmappError(error, 'download-failed') && error.hint === 'E404 nothing there',
    )
    assert.equal(findEngine(installation), undefined)
  })

  it('needs npm', async () => {
    await assert.rejects(steps({ ...somewhere(), npm: ['/no/such/npm'] }), withCode('tool-missing'))
  })

  it('stops when it is cancelled', async () => {
    const cancelled = new AbortController()
    const installing = steps({ ...somewhere(), npm: npm('setInterval(() => {}, 1000)') }, { signal: cancelled.signal })
    cancelled.abort()
    await assert.rejects(installing, { name: 'AbortError' })
  })
})
