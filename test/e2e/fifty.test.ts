import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createHome, type Home, until, untilGone, withMock } from '../support/home.ts'

/** The program of all fifty. It writes down that it was run; its argument says how it behaves then. */
const program = `
const { appendFileSync } = require('node:fs')
const [ran, name, behaviour] = process.argv.slice(2)
appendFileSync(ran, name + '\\n')
if (behaviour === 'garbage') process.stdout.write('Welcome to ' + name + '!\\n')
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n')
const info = { name, version: '1', interfaceVersion: '1.0', capabilities: { chat: 'yes' } }
const mebibyte = ('x'.repeat(127) + '\\n').repeat(8192)
const answers = {
  hello: ({ nonce }) => ({ interfaceVersion: '1.0', nonce, info }),
  get_info: () => info,
  is_running: () => ({ running: true, state: 'running', active: 0, queued: 0, models: [] }),
  list_models: () => ({ models: [{ id: 'm' }] }),
  chat(_, id) {
    if (behaviour === 'floods') {
      for (let n = 0; n < 100; n++) process.stderr.write(mebibyte)
      for (let n = 0; n < 20; n++) send({ method: 'log', params: { level: 'info', message: mebibyte } })
    }
    send({ method: 'parts', params: { id, seq: 1, parts: [{ type: 'text-delta', text: 'here is ' + name }] } })
    return { type: 'finish', reason: 'stop', usage: {} }
  },
}
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (id !== undefined && behaviour !== 'hangs') send({ id, result: answers[method]?.(params, id) ?? null })
})
if (behaviour === 'hangs') setInterval(() => {}, 1000)
`

const names = Array.from({ length: 50 }, (_, n) => `plugin-${String(n).padStart(2, '0')}`)
const [hangs = '', floods = '', garbage = '', well = '', ...unused] = names
const behaviours: Record<string, string> = { [hangs]: 'hangs', [floods]: 'floods', [garbage]: 'garbage' }

/** Generous: `bench/plugins.ts` measures what it really is. */
const mostGrowthMb = 25

describe('fifty plugins', () => {
  let home: Home
  let ran: string
  const folderOf = (name: string) => join(home.dir, 'backends', name)
  const hasRun = () => (existsSync(ran) ? readFileSync(ran, 'utf8').trim().split('\n') : [])

  async function put(name: string): Promise<void> {
    await mkdir(folderOf(name), { recursive: true })
    const manifest = {
      ...{ name, version: '1', language: 'node', interface_version: '1.0', execution: 'subprocess' },
      methods: ['start', 'stop', 'is_running', 'chat', 'list_models', 'get_info'],
      command: ['node', '../../program.cjs', ran, name, behaviours[name] ?? 'well'],
    }
    await writeFile(join(folderOf(name), 'lmapp-backend.json'), JSON.stringify(manifest))
  }

  /** Of a service that has answered a question and listed its backends. */
  async function footprint(): Promise<number> {
    assert.equal((await home.lmapp(['-m', 'box/echo', 'hello'])).stdout, 'hello\n')
    await home.lmapp(['backends', 'list'])
    const pid = await home.servicePid()
    const [, kilobytes] = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? []
    await home.lmapp(['service', 'stop'])
    await untilGone(pid ?? 0)
    return Number(kilobytes) / 1024
  }

  before(async () => {
    home = await createHome(withMock({ echo: {} }))
    ran = join(home.dir, 'ran')
    await writeFile(join(home.dir, 'program.cjs'), program)
  })
  after(() => home[Symbol.asyncDispose]())

  it('cost the help nothing: no manifest is read, whatever it is, and nothing is started', async () => {
    const commands = [['--help'], ['backends', '--help'], ['completions', '--help'], ['paths'], ['--version']]
    const say = () => Promise.all(commands.map((args) => home.lmapp(args)))
    const alone = await say()
    await Promise.all(names.map(put))
    for (const name of ['broken', 'closed', 'pipe']) await mkdir(folderOf(name))
    await writeFile(join(folderOf('broken'), 'lmapp-backend.json'), '{')
    await chmod(folderOf('closed'), 0)
    // Whoever opened it would wait for ever.
    execFileSync('mkfifo', [join(folderOf('pipe'), 'lmapp-backend.json')])
    assert.deepEqual(await say(), alone)
    assert.equal(await home.servicePid(), undefined)
    assert.deepEqual(hasRun(), [])
  })

  it('are listed, the broken ones too, and none is run by it', async () => {
    const { code, stdout, stderr } = await home.lmapp(['backends', 'list', '--json'])
    assert.equal(code, 0, stderr)
    const listed: { name: string; state: string }[] = JSON.parse(stdout)
    const stateOf = (name: string) => listed.find((one) => one.name === name)?.state
    assert.deepEqual(
      names.filter((name) => stateOf(name) !== 'stopped'),
      [],
    )
    assert.deepEqual([stateOf('broken'), stateOf('pipe')], ['failed', 'failed'])
    for (const args of [['backends', 'show', well], ['doctor'], ['models', 'list']]) {
      await home.lmapp(args)
    }
    assert.deepEqual(hasRun(), [])
    for (const name of ['broken', 'closed', 'pipe']) await rm(folderOf(name), { recursive: true })
  })

  it('of which one hangs, one floods its log and one prints garbage disturb nobody', async () => {
    const pid = await home.servicePid()
    await using waiting = home.start(['-m', `${hangs}/m`, 'hello'])
    await until(() => hasRun().includes(hangs) || undefined)
    const ask = (name: string) => home.lmapp(['-m', `${name}/m`, 'hello'])
    const [flooded, broken, other, mock, listed, models] = await Promise.all([
      ask(floods),
      ask(garbage),
      ask(well),
      home.lmapp(['-m', 'box/echo', 'hello there']),
      home.lmapp(['backends', 'list', '--json']),
      home.lmapp(['models', 'list', '--json']),
    ])
    assert.deepEqual([mock.code, mock.stdout], [0, 'hello there\n'])
    assert.deepEqual([other.code, other.stdout], [0, `here is ${well}\n`])
    assert.deepEqual([flooded.code, flooded.stdout], [0, `here is ${floods}\n`], flooded.stderr)
    assert.notEqual(broken.code, 0)
    assert.match(broken.stderr, new RegExp(garbage))
    assert.ok(JSON.parse(listed.stdout).length > names.length)
    assert.ok(JSON.parse(models.stdout).some(({ ref }: { ref: string }) => ref === 'box/echo'))

    waiting.process.kill('SIGINT')
    assert.equal((await waiting.ended).code, 130)
    assert.equal(await home.servicePid(), pid)
    const logs = join(home.dir, 'state', 'backends')
    const its = readdirSync(logs).filter((file) => file.startsWith(floods))
    // The newest is not there in the moment between two.
    assert.ok(its.includes(`${floods}.log.1`) && its.length <= 2, its.join(', '))
    for (const file of its) assert.ok(statSync(join(logs, file)).size < 1.2 * 1024 * 1024, file)
    assert.deepEqual(
      hasRun().filter((name) => unused.includes(name)),
      [],
    )
  })

  it('cost the service little while they are not used', {
    skip: process.platform !== 'linux' && '/proc',
  }, async (t) => {
    await home.lmapp(['service', 'stop'])
    const withAll = await footprint()
    await rm(join(home.dir, 'backends'), { recursive: true })
    const alone = await footprint()
    t.diagnostic(`the service: ${alone.toFixed(1)} MB with none, ${withAll.toFixed(1)} MB with ${names.length}`)
    assert.ok(withAll - alone < mostGrowthMb, `it grew by ${(withAll - alone).toFixed(1)} MB`)
  })
})
