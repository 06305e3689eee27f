import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { bare, createHome, type Home, isAlive, until, withMock } from '../support/home.ts'

/** A stranger's backend: it knows `specs/` and nothing of lmapp. */
const program = `
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n')
const info = { name: 'parrot', version: '0.3.0', interfaceVersion: '1.0', capabilities: { chat: 'yes' } }
const learned = []
let given
const answers = {
  hello: ({ nonce, config, secrets }) => {
    given = { config, secrets }
    return { interfaceVersion: '1.0', nonce, info }
  },
  start: () => ({}),
  stop: () => ({}),
  get_info: () => info,
  is_running: () => ({ running: true, state: 'running', active: 0, queued: 0, models: [] }),
  list_models: () => ({ models: [{ id: 'grey' }, ...learned.map((id) => ({ id }))] }),
  chat({ request }, id) {
    const said = request.messages.at(-1).content.map(({ text }) => text).join('')
    if (said.startsWith('learn ')) learned.push(said.slice(6))
    const words = [given.config.name ?? 'Polly', ': ', ...(said === 'tell' ? JSON.stringify(given) : said).split(/(?<= )/)]
    send({ method: 'parts', params: { id, seq: 1, parts: words.map((text) => ({ type: 'text-delta', text })) } })
    console.error('the parrot spoke, pid ' + process.pid)
    return { type: 'finish', reason: 'stop', usage: { outputTokens: words.length } }
  },
}
let rest = ''
process.stdin.setEncoding('utf8').on('data', (text) => {
  const lines = (rest + text).split('\\n')
  rest = lines.pop()
  for (const line of lines) {
    const { id, method, params } = JSON.parse(line)
    if (id !== undefined) send({ id, result: answers[method](params, id) })
  }
})
process.stdin.on('end', () => process.exit(0))
`
const manifest = {
  name: 'parrot',
  version: '0.3.0',
  language: 'node',
  interface_version: '1.0',
  methods: ['start', 'stop', 'is_running', 'chat', 'list_models', 'get_info'],
  execution: 'subprocess',
  command: ['node', 'parrot.js'],
  config_schema: {
    type: 'object',
    properties: { name: { type: 'string', minLength: 1 } },
    additionalProperties: false,
  },
}

describe('a folder with a manifest', () => {
  let home: Home
  const put = async (name: string, text: string, files: Record<string, string> = {}) => {
    const folder = join(home.dir, 'backends', name)
    await mkdir(folder, { recursive: true })
    for (const [file, content] of Object.entries(files)) await writeFile(join(folder, file), content)
    await writeFile(join(folder, 'lmapp-backend.json'), text)
  }
  const list = async () => JSON.parse((await home.lmapp(['backends', 'list', '--json'])).stdout)
  const named = async (wanted: string) => (await list()).find(({ name }: { name: string }) => name === wanted)

  before(async () => {
    home = await createHome(withMock({ echo: {} }))
    await put('parrot', JSON.stringify(manifest), { 'parrot.js': program })
    await put('broken', '{\n"name": 1')
    await put('ollama', JSON.stringify({ ...manifest, name: 'ollama' }))
    await put('later', JSON.stringify({ ...manifest, name: 'later', execution: 'grpc', address: 'unix:/nowhere' }))
  })
  after(() => home[Symbol.asyncDispose]())

  it('is a backend: it is listed, answers, has its log, and ends with the service', async () => {
    const result = await home.lmapp(['-m', 'parrot/grey', 'hello there'])
    assert.equal(result.code, 0, result.stderr)
    assert.equal(result.stdout, 'Polly: hello there\n')
    const listed = await named('parrot')
    assert.deepEqual([listed.state, listed.execution, listed.owner], ['running', 'subprocess', 'lmapp'])
    const pid = await until(async () => {
      const { stdout } = await home.lmapp(['backends', 'logs', 'parrot'])
      const found = Number(/the parrot spoke, pid (\d+)/.exec(stdout)?.[1])
      return found > 0 ? found : undefined
    })
    assert.ok(isAlive(pid))
    await home.lmapp(['service', 'stop'])
    await until(() => (isAlive(pid) ? undefined : true))
  })

  it('may have other models while it runs: the lists and the questions know them at once', async () => {
    assert.equal((await home.lmapp(['-m', 'green', 'hello'])).code, 4)
    await home.lmapp(['-m', 'parrot/grey', 'learn green'])
    const { stdout } = await home.lmapp(['models', 'list', '--json'])
    const refs = JSON.parse(stdout).map(({ ref }: { ref: string }) => ref)
    assert.deepEqual(
      refs.filter((ref: string) => ref.startsWith('parrot/')),
      ['parrot/grey', 'parrot/green'],
    )
    assert.equal((await home.lmapp(['-m', 'green', 'hello'])).stdout, 'Polly: hello\n')
  })

  it('gets its settings and its key in hello, several times over under different names', async () => {
    const keyFile = join(home.dir, 'key')
    await writeFile(keyFile, 'sk-file\n', { mode: 0o600 })
    await home.configure({
      ...bare,
      backends: {
        ...bare.backends,
        rosa: { type: 'parrot', apiKeyFile: keyFile, config: { name: 'Rosa' } },
        jack: { type: 'parrot', apiKeyEnv: 'PARROT_KEY', config: { name: 'Jack' } },
      },
    })
    const tell = async (id: string) => {
      const { stdout } = await home.lmapp(['-m', `${id}/grey`, 'tell'], { env: { PARROT_KEY: 'sk-env' } })
      const [name, text = ''] = stdout.split(/: (.*)/s)
      return [name, JSON.parse(text).secrets]
    }
    assert.deepEqual(await tell('rosa'), ['Rosa', { apiKey: 'sk-file' }])
    assert.deepEqual(await tell('jack'), ['Jack', { apiKey: 'sk-env' }])
    assert.deepEqual(await tell('parrot'), ['Polly', {}])
  })

  it('whose settings do not fit its schema is not started, and says which key is wrong', async () => {
    const wrong = { type: 'parrot', config: { name: '', size: 3 } }
    await home.configure({ ...bare, backends: { ...bare.backends, wrong } })
    const listed = await named('wrong')
    assert.equal(listed.state, 'failed')
    assert.match(listed.reason, /backends\.wrong\.config\.name/)
    assert.match(listed.mend, /config edit/)
    const result = await home.lmapp(['-m', 'wrong/grey', 'hello'])
    assert.equal(result.code, 2)
    assert.match(result.stderr, /backends\.wrong\.config must NOT have additional properties \("size"\)/)
    assert.match(result.stderr, /backends\.wrong\.config\.name must NOT have fewer than 1 characters/)
    assert.equal((await home.lmapp(['-m', 'parrot/grey', 'hello'])).stdout, 'Polly: hello\n')
  })

  it('is seen when it is added, taken anew when it was changed, and gone when it was removed', async () => {
    assert.equal((await home.lmapp(['-m', 'crow/grey', 'hello'])).code, 4)
    await put('crow', JSON.stringify({ ...manifest, name: 'crow' }), { 'parrot.js': program })
    await until(async () => (await home.lmapp(['-m', 'crow/grey', 'hello'])).stdout === 'Polly: hello\n' || undefined)
    await put('crow', JSON.stringify({ ...manifest, name: 'crow', version: '0.4.0' }), {
      'parrot.js': program.replace("'Polly'", "'Crow'"),
    })
    await until(async () => (await home.lmapp(['-m', 'crow/grey', 'hello'])).stdout === 'Crow: hello\n' || undefined)
    await rm(join(home.dir, 'backends', 'crow'), { recursive: true })
    await until(async () => ((await named('crow')) === undefined ? true : undefined))
  })

  it('that ends at its start is named with its last words, and with the command that shows its log', async () => {
    await put('dodo', JSON.stringify({ ...manifest, name: 'dodo', command: ['node', '-e', 'throw "extinct"'] }))
    const ask = () => home.lmapp(['-m', 'dodo/grey', 'hello'])
    const result = await until(async () => {
      const found = await ask()
      return found.code === 4 ? undefined : found
    })
    assert.equal(result.code, 5)
    assert.match(result.stderr, /The backend "dodo" ended/)
    assert.match(result.stderr, /lmapp backends logs dodo/)
    await rm(join(home.dir, 'backends', 'dodo'), { recursive: true })
  })

  it('that is broken is one line in the log and in the list, with file and line, and disturbs nobody', async () => {
    assert.equal((await home.lmapp(['-m', 'parrot/grey', 'hello'])).stdout, 'Polly: hello\n')
    const { stdout } = await home.lmapp(['service', 'logs'])
    assert.match(stdout, /broken[\s\S]*lmapp-backend\.json:2: /)
    const { state, reason } = await named('broken')
    assert.equal(state, 'failed')
    assert.match(reason, /lmapp-backend\.json:2: /)
    const doctor = await home.lmapp(['doctor'])
    assert.match(doctor.stdout, /backend broken: failed/)
  })

  it('that takes the name of another is left out, and the other one says so', async () => {
    await home.configure(withMock({ echo: {} }, {}))
    await put('mock', JSON.stringify({ ...manifest, name: 'mock' }), { 'parrot.js': program })
    const box = await until(async () => {
      const found = await named('box')
      return found.notes ? found : undefined
    })
    assert.match(box.notes.join(' '), /another backend is called "mock" already/)
    assert.equal((await home.lmapp(['-m', 'box/echo', 'hello'])).stdout, 'hello\n')
  })

  it('is available, and no more, where npm or pip put it: nothing of it runs before it is installed', async () => {
    const folder = join(home.env.HOME ?? '', '.local/lib/node_modules/lmapp-backend-magpie')
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'lmapp-backend.json'), JSON.stringify({ ...manifest, name: 'magpie' }))
    await writeFile(
      join(folder, 'parrot.js'),
      `require('fs').writeFileSync(${JSON.stringify(join(folder, 'ran'))}, '')`,
    )
    const found = await named('magpie')
    assert.equal(found.state, 'available')
    assert.equal(found.mend, 'lmapp backends install npm:lmapp-backend-magpie')
    assert.match((await home.lmapp(['backends', 'show', 'magpie'])).stdout, /npm:lmapp-backend-magpie/)
    assert.equal((await home.lmapp(['-m', 'magpie/grey', 'hello'])).code, 4)
    assert.equal(existsSync(join(folder, 'ran')), false)
  })

  it('that does not want to end is ended, and the next command starts a new service when the old one has gone', async () => {
    const stubborn = `${program.replace("process.stdin.on('end', () => process.exit(0))", "process.on('SIGTERM', () => {})")}
setInterval(() => {}, 1000)`
    await put('mule', JSON.stringify({ ...manifest, name: 'mule' }), {
      'parrot.js': stubborn.replace('stop: () => ({})', 'stop: () => new Promise(() => {})'),
    })
    await until(async () => (await home.lmapp(['-m', 'mule/grey', 'hello'])).stdout === 'Polly: hello\n' || undefined)
    assert.equal((await home.lmapp(['service', 'stop'])).code, 0)
    const next = await home.lmapp(['history', 'list'])
    assert.equal(next.code, 0, next.stderr)
    await rm(join(home.dir, 'backends', 'mule'), { recursive: true })
  })

  it('whose way of running comes later says so', async () => {
    const result = await home.lmapp(['-m', 'later/x', 'hello'])
    assert.equal(result.code, 2, result.stderr)
    assert.match(result.stderr, /grpc/)
  })
})
