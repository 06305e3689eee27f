import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { runCommand } from '../run.ts'
import { createTestContext } from '../testing/test-context.ts'

let home: string
let file: string

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'lmapp-config-'))
  file = join(home, 'config.json')
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

/** Without a service: none of this may need one. */
async function lmapp(argv: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const context = createTestContext({ environment: { LMAPP_HOME: home, ...environment } })
  const code = await runCommand(context, argv)
  return { code, stdout: context.stdout.text, stderr: context.stderr.text }
}

describe('lmapp config', () => {
  it('says where the file is', async () => {
    assert.equal((await lmapp(['config', 'path'])).stdout, `${file}\n`)
    assert.equal((await lmapp(['config', 'path'], { LMAPP_CONFIG: '/else/c.json' })).stdout, '/else/c.json\n')
  })

  it('shows what applies, defaults included', async () => {
    assert.equal(JSON.parse((await lmapp(['config', 'show'])).stdout).timeouts.connectMs, 3000)
    writeFileSync(file, '{ "model": "best", "nonsense": 1 }')
    const shown = await lmapp(['config', 'show'])
    assert.equal(JSON.parse(shown.stdout).model, 'best')
    assert.match(shown.stderr, /config\.json:1:\d+: warning: .*nonsense/)
  })

  it('fails to show a file that is invalid, and says where', async () => {
    writeFileSync(file, '{ "timeouts": 7 }')
    const shown = await lmapp(['config', 'show'])
    assert.equal(shown.code, 2)
    assert.match(shown.stderr, /config\.json:1:\d+: (?!warning)/)
  })

  it('gets a text as it is, and everything else as JSON', async () => {
    writeFileSync(file, '{ "model": "best" }')
    assert.equal((await lmapp(['config', 'get', 'model'])).stdout, 'best\n')
    assert.equal((await lmapp(['config', 'get', 'model', '--json'])).stdout, '"best"\n')
    assert.equal((await lmapp(['config', 'get', 'failover.retries'])).stdout, '1\n')
    assert.deepEqual(JSON.parse((await lmapp(['config', 'get', 'failover'])).stdout), { enabled: true, retries: 1 })
  })

  it('says when a key has no value', async () => {
    assert.match((await lmapp(['config', 'get', 'model'])).stderr, /model is not set/)
    assert.equal((await lmapp(['config', 'get', 'model', '--json'])).stdout, 'null\n')
  })

  it('sets a value and keeps comments', async () => {
    writeFileSync(file, '{\n  // mine\n  "model": "a", // this\n}\n', { mode: 0o640 })
    chmodSync(file, 0o640)
    assert.equal((await lmapp(['config', 'set', 'model', 'b'])).code, 0)
    assert.equal(readFileSync(file, 'utf8'), '{\n  // mine\n  "model": "b", // this\n}\n')
    assert.equal(statSync(file).mode & 0o777, 0o640)
    await lmapp(['config', 'unset', 'model'])
    assert.match(readFileSync(file, 'utf8'), /\/\/ mine/)
    assert.equal((await lmapp(['config', 'get', 'model', '--json'])).stdout, 'null\n')
  })

  it('begins a file with its first value, readable by its owner only', async () => {
    assert.equal((await lmapp(['config', 'set', 'failover.enabled', 'false'])).code, 0)
    assert.equal((await lmapp(['config', 'get', 'failover.enabled'])).stdout, 'false\n')
    assert.equal(statSync(file).mode & 0o777, 0o600)
  })

  it('follows a link instead of replacing it', async () => {
    const real = join(home, 'real.json')
    writeFileSync(real, '{}')
    symlinkSync(real, file)
    await lmapp(['config', 'set', 'model', 'b'])
    assert.match(readFileSync(real, 'utf8'), /"b"/)
  })

  it('refuses an unknown key and names the nearest', async () => {
    const shown = await lmapp(['config', 'set', 'modle', 'b'])
    assert.equal(shown.code, 2)
    assert.match(shown.stderr, /"?model"?/)
  })

  it('leaves the file alone when there is nothing to unset', async () => {
    assert.equal((await lmapp(['config', 'unset', 'model'])).code, 0)
    assert.throws(() => statSync(file))
  })

  it('names a file that cannot be read or written', async () => {
    mkdirSync(file)
    assert.equal((await lmapp(['config', 'show'])).code, 11)
    const shown = await lmapp(['config', 'set', 'model', 'x'], { LMAPP_CONFIG: '/dev/null/c.json' })
    assert.equal(shown.code, 11)
    const written = await lmapp(['config', 'set', 'model', 'x'], { LMAPP_CONFIG: '/proc/c.json' })
    assert.match(written.stderr, /cannot be written/)
  })

  it('opens the editor on a commented file and checks it afterwards', async () => {
    const good = await lmapp(['config', 'edit'], { VISUAL: '', EDITOR: 'sed -i s/5m/6m/' })
    assert.equal(good.code, 0, good.stderr)
    assert.match(readFileSync(file, 'utf8'), /\/\/ .*6m/)
    const bad = await lmapp(['config', 'edit'], { EDITOR: `${process.execPath} ${writeScript('{ "model": 7 }')}` })
    assert.equal(bad.code, 2)
    assert.match(bad.stderr, /config\.json:1:\d+/)
  })

  it('names an editor that is not there or fails', async () => {
    const missing = await lmapp(['config', 'edit'], { EDITOR: '/no/such/editor' })
    assert.equal(missing.code, 11)
    assert.match(missing.stderr, /Set EDITOR/)
    const failed = await lmapp(['config', 'edit'], { EDITOR: 'false' })
    assert.equal(failed.code, 2)
    assert.match(failed.stderr, /ended with 1\.\n.*what it saved.*lmapp config show/)
  })

  it('opens no editor where nobody could type into it', async () => {
    const context = createTestContext({ environment: { LMAPP_CONFIG: file }, stdin: '' })
    assert.equal(await runCommand(context, ['config', 'edit']), 2)
    assert.match(context.stderr.text, /needs a terminal\.\n.*Set EDITOR/)
  })

  function writeScript(text: string): string {
    const script = join(home, 'editor.mjs')
    writeFileSync(
      script,
      `import { writeFileSync } from 'node:fs'\nwriteFileSync(process.argv[2], ${JSON.stringify(text)})`,
    )
    return script
  }
})

describe('lmapp paths', () => {
  it('shows where everything is', async () => {
    assert.match((await lmapp(['paths'])).stdout, new RegExp(`^Configuration +${file}$`, 'm'))
    assert.equal(JSON.parse((await lmapp(['paths', '--json'])).stdout).configFile, file)
  })

  it('refuses a home that is no absolute path', async () => {
    assert.equal((await lmapp(['paths'], { LMAPP_HOME: 'here' })).code, 11)
  })
})
