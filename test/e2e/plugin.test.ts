import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createHome, type Home, isAlive, until, withMock } from '../support/home.ts'

/** A stranger's backend: it knows `specs/` and nothing of lmapp. */
const program = `
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n')
const info = { name: 'parrot', version: '0.3.0', interfaceVersion: '1.0', capabilities: { chat: 'yes' } }
const answers = {
  hello: ({ nonce }) => ({ interfaceVersion: '1.0', nonce, info }),
  start: () => ({}),
  stop: () => ({}),
  get_info: () => info,
  is_running: () => ({ running: true, state: 'running', active: 0, queued: 0, models: [] }),
  list_models: () => ({ models: [{ id: 'grey' }] }),
  chat({ request }, id) {
    const said = request.messages.at(-1).content.map(({ text }) => text).join('')
    const words = ['Polly: ', ...said.split(/(?<= )/)]
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
}

describe('a folder with a manifest', () => {
  let home: Home
  before(async () => {
    home = await createHome(withMock({ echo: {} }))
    const put = async (name: string, text: string, files: Record<string, string> = {}) => {
      const folder = join(home.dir, 'backends', name)
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, 'lmapp-backend.json'), text)
      for (const [file, content] of Object.entries(files)) await writeFile(join(folder, file), content)
    }
    await put('parrot', JSON.stringify(manifest), { 'parrot.js': program })
    await put('broken', '{ "name": ')
    await put('ollama', JSON.stringify({ ...manifest, name: 'ollama' }))
    await put('later', JSON.stringify({ ...manifest, name: 'later', execution: 'grpc', address: 'unix:/nowhere' }))
  })
  after(() => home[Symbol.asyncDispose]())

  it('is a backend: it is listed, answers, has its log, and ends with the service', async () => {
    const result = await home.lmapp(['-m', 'parrot/grey', 'hello there'])
    assert.equal(result.code, 0, result.stderr)
    assert.equal(result.stdout, 'Polly: hello there\n')
    const backends = JSON.parse((await home.lmapp(['backends', 'list', '--json'])).stdout)
    const listed = backends.find(({ name }: { name: string }) => name === 'parrot')
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

  it('that is broken, or takes a name that is taken, is one line in the log and disturbs nobody', async () => {
    assert.equal((await home.lmapp(['-m', 'box/echo', 'hello'])).stdout, 'hello\n')
    const { stdout } = await home.lmapp(['service', 'logs'])
    assert.match(stdout, /broken[\s\S]*lmapp-backend\.json/)
    assert.match(stdout, /another backend is called "ollama" already/)
  })

  it('whose way of running comes later says so', async () => {
    const result = await home.lmapp(['-m', 'later/x', 'hello'])
    assert.equal(result.code, 2, result.stderr)
    assert.match(result.stderr, /grpc/)
  })
})
