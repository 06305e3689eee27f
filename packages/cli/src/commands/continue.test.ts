import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { runCommand } from '../run.ts'
import { createTestContext, type TestContextOptions } from '../testing/test-context.ts'
import { openTestService, type TestService } from '../testing/test-service.ts'

const reply = 'one two three four five six seven eight'
let service: TestService

before(async () => {
  service = await openTestService({
    drop: { reply, fault: { kind: 'drop', afterTokens: 4, times: 1 } },
    drops: { reply, fault: { kind: 'drop', afterTokens: 4, times: 1 } },
    fine: { reply },
    slow: { reply, repeatTokens: 400, paceMs: 5 },
  })
})
after(() => service[Symbol.asyncDispose]())

function open(terminal: string, options: TestContextOptions = {}) {
  const environment = { ...service.environment, LMAPP_TERMINAL: terminal }
  return createTestContext({ connect: service.connect, environment, ...options })
}

async function lmapp(terminal: string, ...argv: string[]) {
  const context = open(terminal)
  const code = await runCommand(context, argv)
  return { code, stdout: context.stdout.text, stderr: context.stderr.text }
}

describe('lmapp continue', () => {
  it('prints only what is new of an answer that broke', async () => {
    const first = await lmapp('a', '-m', 'box/drop', '--no-failover', 'count')
    assert.equal(first.code, 7)
    const second = await lmapp('a', 'continue')
    assert.equal(second.code, 0, second.stderr)
    assert.equal(first.stdout.slice(0, -1) + second.stdout, `${reply}\n`)
  })

  it('begins with a snapshot with --json, and takes the id of a message', async () => {
    const first = await lmapp('b', '-m', 'box/drops', '--no-failover', '--json', 'count')
    const { message } = JSON.parse(first.stdout.split('\n')[0] ?? '')
    const second = await lmapp('elsewhere', 'continue', message, '--json')
    const lines = second.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.equal(lines[0].type, 'snapshot')
    assert.ok(reply.startsWith(lines[0].text) && lines[0].text !== '')
    const added = lines.filter(({ type }) => type === 'text-delta').map(({ text }) => text)
    assert.equal(lines[0].text + added.join(''), reply)
    assert.equal(lines.at(-1).state, 'complete')
  })

  it('has nothing to do for an answer that is complete', async () => {
    await lmapp('c', '-m', 'box/fine', 'count')
    const plain = await lmapp('c', 'continue')
    assert.equal(plain.code, 0)
    assert.equal(plain.stdout, '')
    assert.match(plain.stderr, /The answer is complete/)
    const json = await lmapp('c', 'continue', '--json', '-q')
    assert.deepEqual(
      json.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).type),
      ['snapshot', 'end'],
    )
    assert.equal(json.stderr, '')
    assert.equal('run' in JSON.parse(json.stdout.split('\n')[0] ?? ''), false)
  })

  it('joins an answer that is still being written', async () => {
    const first = open('d')
    const asked = runCommand(first, ['-m', 'box/slow', 'count'])
    await first.stdout.until(/three/)
    first.send('SIGHUP')
    assert.equal(await asked, 129)
    const second = open('d')
    const joined = runCommand(second, ['continue', '--json'])
    await second.stdout.until(/text-delta/)
    const [snapshot = ''] = second.stdout.text.split('\n')
    assert.equal(JSON.parse(snapshot).type, 'snapshot')
    assert.match(JSON.parse(snapshot).text, /^one two three/)
    second.send('SIGINT')
    assert.equal(await joined, 130)
    const stored = await service.client.lastConversation('named:d')
    assert.equal(stored.messages.at(-1)?.state, 'stopped')
  })

  it('shows on a terminal where it goes on', async () => {
    await lmapp('e', '-m', 'box/fine', '-o', 'max_tokens=3', 'count')
    const terminal = { isTerminal: true }
    const context = open('e', { stdout: terminal, stderr: terminal })
    assert.equal(await runCommand(context, ['continue']), 0)
    assert.match(context.stderr.text, /… one two/)
  })

  it('names what is missing', async () => {
    const nothing = await lmapp('never used', 'continue')
    assert.equal(nothing.code, 2)
    assert.match(nothing.stderr, /Nothing was said in this terminal[\s\S]*lmapp history list/)
    assert.equal((await lmapp('a', 'continue', 'ffffffff')).code, 2)
    assert.match((await lmapp('a', 'continue', '-m', '')).stderr, /-m needs a model reference/)
  })
})
