import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { runCommand } from '../run.ts'
import { createTestContext, type TestContextOptions } from '../testing/test-context.ts'
import { openTestService, type TestService } from '../testing/test-service.ts'

let service: TestService

before(async () => {
  service = await openTestService(
    { echo: {}, 'to-pull': { installed: false }, drop: { reply: 'a b c d e f', fault: { kind: 'drop' } } },
    { aliases: { best: ['box/echo', 'box/drop'] } },
  )
})
after(() => service[Symbol.asyncDispose]())

async function lmapp(argv: readonly string[], options: TestContextOptions = {}) {
  const environment = { ...service.environment, ...options.environment }
  const context = createTestContext({ connect: service.connect, ...options, environment })
  const code = await runCommand(context, argv)
  return { code, stdout: context.stdout.text, stderr: context.stderr.text }
}

async function json(...argv: string[]) {
  const { code, stdout, stderr } = await lmapp([...argv, '--json'])
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout)
}

describe('lmapp models', () => {
  it('lists what every backend has', async () => {
    const models = await json('models', 'list')
    const echo = models.find(({ ref }: { ref: string }) => ref === 'box/echo')
    assert.equal(echo.backend, 'box')
    assert.equal(echo.name, 'echo')
    assert.equal(typeof echo.loaded, 'boolean')
    assert.ok('sizeBytes' in echo)
    assert.match((await lmapp(['models', 'list'])).stdout, /^MODEL .*STATE\nbox\//)
  })

  it('shows one', async () => {
    assert.equal((await json('models', 'show', 'box/echo')).ref, 'box/echo')
    const shown = await lmapp(['models', 'show', 'box/echo'])
    assert.match(shown.stdout, /^Model +box\/echo$/m)
    assert.match(shown.stdout, /^Can +chat/m)
    assert.equal((await lmapp(['models', 'show', 'box/none'])).code, 4)
  })

  it('fetches one that it was told to, with progress on stderr', async () => {
    const unasked = await lmapp(['models', 'pull', 'box/to-pull'])
    assert.equal(unasked.code, 2)
    assert.match(unasked.stderr, /lmapp models pull --yes box\/to-pull/)
    const pulled = await lmapp(['models', 'pull', '-y', 'box/to-pull'])
    assert.equal(pulled.code, 0, pulled.stderr)
    assert.match(pulled.stdout, /box\/to-pull is ready/)
    assert.match(pulled.stderr, /fetching/)
  })

  it('removes one, and fetches it again as lines of JSON', async () => {
    assert.match((await lmapp(['models', 'remove', 'box/to-pull'])).stdout, /Removed box\/to-pull/)
    const pulled = await lmapp(['models', 'pull', '--yes', '--json', 'box/to-pull'])
    const lines = pulled.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(lines.at(-1), { type: 'done', ref: 'box/to-pull' })
    assert.equal((await json('models', 'remove', 'box/to-pull')).ref, 'box/to-pull')
  })

  it('says as JSON too why one cannot be fetched', async () => {
    const { code, stdout } = await lmapp(['models', 'pull', '--yes', '--json', 'box/none'])
    assert.notEqual(code, 0)
    assert.equal(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '').type, 'error')
  })

  it('switches the default model, in the configuration', async () => {
    assert.equal((await json('models', 'switch', 'box/echo')).model, 'box/echo')
    assert.match((await lmapp(['models', 'switch', 'ech'])).stderr, /"ech" is taken as "echo"/)
    assert.match((await lmapp(['config', 'get', 'model'])).stdout, /^(box\/)?echo\n$/)
    assert.match((await lmapp(['models', 'switch', 'best'])).stdout, /now best/)
    assert.equal((await lmapp(['models', 'switch', 'nonsense'])).code, 4)
    await lmapp(['models', 'switch', 'box/echo'])
  })
})

describe('lmapp history', () => {
  const ids: string[] = []

  before(async () => {
    for (const question of ['apples and pears', 'plums']) {
      await lmapp(['-m', 'box/echo', question])
      ids.push((await service.client.lastConversation('named:test')).id)
    }
    await lmapp(['-m', 'box/drop', '--no-failover', 'cherries'])
    ids.push((await service.client.lastConversation('named:test')).id)
  })

  it('lists conversations, newest first', async () => {
    const listed = await json('history', 'list')
    assert.deepEqual(
      listed.map(({ id }: { id: string }) => id),
      ids.toReversed(),
    )
    const shown = await lmapp(['history', 'list', '--limit', '1'])
    assert.match(shown.stdout, /^ID .*\n.*cherries\n$/)
    assert.ok(shown.stdout.includes(ids[2] ?? '?'))
  })

  it('shows one, by the beginning of its id too', async () => {
    const [first = ''] = ids
    const conversation = await json('history', 'show', first)
    assert.deepEqual(
      conversation.messages.map(({ role, text }: { role: string; text: string }) => [role, text]),
      [
        ['user', 'apples and pears'],
        ['assistant', 'apples and pears'],
      ],
    )
    const shown = await lmapp(['history', 'show', first])
    assert.match(shown.stdout, /you:\napples and pears\n\nbox\/echo:\napples and pears\n/)
    assert.equal((await lmapp(['history', 'show', 'ffffffff'])).code, 2)
  })

  it('marks an answer that is not whole', async () => {
    assert.match(
      (await lmapp(['history', 'show', ids[2] ?? ''])).stdout,
      /\[incomplete: .*lmapp continue [0-9a-f-]{36}\]/,
    )
  })

  it('finds words', async () => {
    const hits = await json('history', 'search', 'pears')
    assert.ok(hits.length > 0)
    const shown = await lmapp(['history', 'search', 'pears'], { stdout: { colors: true } })
    assert.ok(shown.stdout.includes('apples and \u001b[33mpears\u001b[39m'))
    assert.match((await lmapp(['history', 'search', 'zebra'])).stderr, /Nothing was found/)
    assert.equal((await lmapp(['history', 'search', ' '])).code, 2)
  })

  it('renames', async () => {
    const [first = ''] = ids
    assert.match((await lmapp(['history', 'rename', first, 'Fruit', 'talk'])).stdout, /Fruit talk/)
    assert.equal((await json('history', 'rename', first, 'Fruit')).title, 'Fruit')
    assert.equal((await lmapp(['history', 'rename', first, ' '])).code, 2)
  })

  it('exports as Markdown and as JSON, to stdout or a file of its owner', async () => {
    const [first = ''] = ids
    const markdown = await lmapp(['history', 'export', first])
    assert.match(markdown.stdout, /^<!-- lmapp:conversation \{.*"version":2.*\} -->\n# Fruit\n/)
    const all = await lmapp(['history', 'export', '--json'])
    assert.equal(JSON.parse(all.stdout).conversations.length, 3)
    const file = join(service.home, 'out.json')
    const written = await lmapp(['history', 'export', '-o', 'out.json', first], { directory: service.home })
    assert.equal(written.stdout, '')
    assert.match(written.stderr, /1 conversation to out.json/)
    assert.equal(JSON.parse(readFileSync(file, 'utf8')).format, 'lmapp-conversations')
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.equal((await lmapp(['history', 'export', '--format', 'pdf'])).code, 2)
    assert.equal((await lmapp(['history', 'export', '-o', '/no/such/folder/x'])).code, 2)
  })

  it('deletes, all or none', async () => {
    const [first = '', second = ''] = ids
    assert.equal((await lmapp(['history', 'delete', first, 'ffffffff'])).code, 2)
    assert.equal((await json('history', 'list')).length, 3)
    assert.equal((await lmapp(['history', 'delete', first])).stdout, `Deleted ${first}.\n`)
    assert.deepEqual(await json('history', 'delete', second, second), { deleted: [second] })
  })

  it('is empty when nothing is left', async () => {
    await lmapp(['history', 'delete', ids[2] ?? ''])
    assert.deepEqual(await json('history', 'list'), [])
    assert.match((await lmapp(['history', 'list'])).stderr, /empty/)
  })
})

describe('lmapp backends', () => {
  it('lists them with their state and the reason of it', async () => {
    const backends = await json('backends', 'list')
    const box = backends.find(({ name }: { name: string }) => name === 'box')
    assert.equal(box.owner, 'lmapp')
    assert.ok('reason' in box && 'version' in box && 'execution' in box)
    const shown = await lmapp(['backends', 'list'])
    assert.match(shown.stdout, /^BACKEND +STATE/)
    assert.match(shown.stdout, /^ollama +disabled/m)
  })

  it('shows one', async () => {
    assert.equal((await json('backends', 'show', 'box')).name, 'box')
    assert.match((await lmapp(['backends', 'show', 'box'])).stdout, /^Backend +box$[\s\S]*^Models +echo/m)
    assert.equal((await lmapp(['backends', 'show', 'nobody'])).code, 2)
  })

  it('prints the end of a log', async () => {
    assert.match((await lmapp(['backends', 'logs', 'box'])).stderr, /box has written no log/)
    mkdirSync(join(service.home, 'state', 'backends'), { recursive: true })
    writeFileSync(join(service.home, 'state', 'backends', 'box.log'), 'one\ntwo\nthree')
    assert.equal((await lmapp(['backends', 'logs', 'box', '-n', '2'])).stdout, 'two\nthree\n')
    assert.equal((await lmapp(['backends', 'logs', 'box', '-n', 'x'])).code, 2)
  })
})

describe('lmapp service', () => {
  it('tells whether it runs', async () => {
    const status = await json('service', 'status')
    assert.equal(status.running, true)
    assert.equal(status.pid, process.pid)
    assert.equal(status.address, null)
    assert.match((await lmapp(['service', 'status'])).stdout, /^Mode +background$/m)
  })

  it('prints the end of its log', async () => {
    assert.match((await lmapp(['service', 'logs'])).stderr, /no log yet/)
    writeFileSync(join(service.home, 'state', 'service.log'), 'a\nb\nc\n')
    assert.equal((await lmapp(['service', 'logs', '--lines', '2'])).stdout, 'b\nc\n')
  })

  it('is asked to stop', async () => {
    assert.match((await lmapp(['service', 'stop'])).stdout, /has stopped/)
    assert.deepEqual(await json('service', 'stop'), { stopped: true })
  })
})

describe('lmapp doctor', () => {
  it('finds nothing wrong where all is well', async () => {
    const report = await json('doctor')
    assert.equal(report.ok, true)
    assert.ok(report.checks.some(({ name }: { name: string }) => name === 'backend box'))
    const shown = await lmapp(['doctor'])
    assert.match(shown.stdout, /^ok +service: version/m)
    assert.match(shown.stdout, /lmapp can work here\.\n$/)
  })

  it('names what is wrong in the configuration, with its place and what mends it', async () => {
    const file = join(service.home, 'config.json')
    const before = readFileSync(file, 'utf8')
    writeFileSync(file, '{\n  "modle": "x",\n  "failover": { "enabled": "yes" }\n}\n')
    try {
      const shown = await lmapp(['doctor'])
      assert.equal(shown.code, 2)
      assert.match(shown.stdout, /^warning +configuration: .*config\.json:2:3/m)
      assert.match(shown.stdout, /^problem +configuration: .*config\.json:3:/m)
      assert.match(shown.stdout, /→ lmapp config edit/)
    } finally {
      writeFileSync(file, before)
    }
  })
})
