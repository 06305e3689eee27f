import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { runCommand } from '../run.ts'
import { createTestContext, type TestContextOptions } from '../testing/test-context.ts'
import { openTestService, type TestService } from '../testing/test-service.ts'

let service: TestService

before(async () => {
  service = await openTestService({
    echo: {},
    system: { reply: '{system}' },
    turns: { reply: '{turns}' },
    code: { reply: 'Here:\n```sh\necho hi\n```\n' },
    drop: { reply: 'one two three four five six', fault: { kind: 'drop', afterTokens: 3 } },
    small: { contextLength: 64 },
  })
})
after(() => service[Symbol.asyncDispose]())

async function lmapp(argv: readonly string[], options: TestContextOptions = {}) {
  const environment = { ...service.environment, ...options.environment }
  const context = createTestContext({ connect: service.connect, ...options, environment })
  const code = await runCommand(context, argv)
  return { code, stdout: context.stdout.text, stderr: context.stderr.text }
}

function parseLines(text: string) {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

describe('one question', () => {
  it('is answered on stdout, and only that', async () => {
    const shown = await lmapp(['-m', 'box/echo', 'hello', 'there'])
    assert.deepEqual(shown, { code: 0, stdout: 'hello there\n', stderr: '' })
  })

  it('takes its model from LMAPP_MODEL, and from the flag first', async () => {
    const environment = { LMAPP_MODEL: 'box/turns' }
    assert.equal((await lmapp(['hi'], { environment })).stdout, '1\n')
    assert.equal((await lmapp(['-m', 'box/echo', 'hi'], { environment })).stdout, 'hi\n')
  })

  it('is not asked with an empty -m', async () => {
    const shown = await lmapp(['-m', '', 'hi'], { environment: { LMAPP_MODEL: 'box/turns' } })
    assert.equal(shown.code, 2)
    assert.match(shown.stderr, /-m needs a model reference/)
  })

  it('may be the word help behind chat', async () => {
    assert.equal((await lmapp(['chat', 'help', '-m', 'box/echo'])).stdout, 'help\n')
  })

  it('joins piped text and the prompt, the piped text first', async () => {
    const shown = await lmapp(['-m', 'box/echo', 'Summarize.'], { stdin: 'line 1\nline 2\n\n' })
    assert.equal(shown.stdout, 'line 1\nline 2\n\nSummarize.\n')
  })

  it('may be piped in whole', async () => {
    assert.equal((await lmapp(['-m', 'box/echo'], { stdin: '\ufeffjust this\n' })).stdout, 'just this\n')
  })

  it('is the prompt alone where stdin is empty', async () => {
    assert.equal((await lmapp(['-m', 'box/echo', 'x'], { stdin: '' })).stdout, 'x\n')
    assert.equal((await lmapp(['-m', 'box/echo', 'x'], { stdinKind: 'none' })).stdout, 'x\n')
  })

  it('is refused when there is nothing to ask', async () => {
    for (const options of [{ stdin: '' }, { stdin: ' \n' }, { stdinKind: 'none' as const }]) {
      const shown = await lmapp(['-m', 'box/echo', ' '], options)
      assert.equal(shown.code, 2)
      assert.match(shown.stderr, /nothing to ask/)
    }
    assert.match((await lmapp([])).stderr, /needs a terminal/)
  })

  it('is refused when stdin is not UTF-8, naming the line', async () => {
    const shown = await lmapp(['x'], { stdin: Buffer.from('fine\nna\xefve\nfine\n', 'latin1') })
    assert.equal(shown.code, 2)
    assert.match(shown.stderr, /stdin is not valid UTF-8: line 2/)
  })

  it('says what it waits for when nothing comes on stdin', async () => {
    const stdin = new PassThrough()
    const context = createTestContext({ connect: service.connect, environment: service.environment, stdin })
    const done = runCommand(context, ['-m', 'box/echo', 'x'])
    await context.stderr.until(/Waiting for text on stdin.*< \/dev\/null/)
    stdin.end('late')
    assert.equal(await done, 0)
    assert.equal(context.stdout.text, 'late\n\nx\n')
  })

  it('carries files, stdin as one of them when asked to', async () => {
    writeFileSync(join(service.home, 'notes.md'), 'Buy milk.\n')
    const shown = await lmapp(['-m', 'box/echo', '-f', 'notes.md', '-f', '-', 'What?'], {
      directory: service.home,
      stdin: 'piped',
    })
    assert.equal(shown.stdout, 'notes.md\n```\nBuy milk.\n```\n\nstdin\n```\npiped\n```\n\nWhat?\n')
  })

  it('is refused with a file that no model reads, and with an image that this one does not see', async () => {
    writeFileSync(join(service.home, 'a.png'), Buffer.from('89504e470d0a1a0a', 'hex'))
    writeFileSync(join(service.home, 'a.bin'), 'a\0b')
    const attempt = async (path: string) => {
      const { code, stderr } = await lmapp(['-m', 'box/echo', '-f', path, 'x'], { directory: service.home })
      assert.equal(code, 2)
      return stderr
    }
    assert.match(await attempt('missing.txt'), /does not exist/)
    assert.match(await attempt('a.png'), /box\/echo cannot see images/)
    assert.match(await attempt('a.bin'), /binary/)
    assert.match(await attempt('notes.md/x'), /does not exist/)
    assert.match(await attempt('-'), /this terminal/)
  })

  it('takes a folder along, and says what it took', async () => {
    mkdirSync(join(service.home, 'taken'))
    writeFileSync(join(service.home, 'taken', 'one.txt'), 'in the folder')
    const { code, stdout, stderr } = await lmapp(['-m', 'box/echo', '-f', 'taken', 'x'], { directory: service.home })
    assert.equal(code, 0)
    assert.match(stdout, /taken\/one\.txt\n```\nin the folder/)
    assert.match(stderr, /taken: 1 file, 13 B\./)
  })

  it('is answered with JSON that satisfies --schema, in its short form too', async () => {
    const { code, stdout } = await lmapp(['-m', 'box/echo', '--schema', 'name, age int', 'Who?'])
    assert.equal(code, 0)
    assert.deepEqual(Object.keys(JSON.parse(stdout)), ['name', 'age'])
    assert.equal((await lmapp(['-m', 'box/echo', '--schema', 'name whatever', 'Who?'])).code, 2)
    assert.equal((await lmapp(['-m', 'box/echo', '--schema', 'name', '-x', 'Who?'])).code, 2)
  })

  it('takes an image from stdin too', async () => {
    const stdin = Buffer.from('89504e470d0a1a0a', 'hex')
    const { code, stderr } = await lmapp(['-m', 'box/echo', '-f', '-', 'What is it?'], { stdin })
    assert.equal(code, 2)
    assert.match(stderr, /box\/echo cannot see images/)
  })

  it('passes the system prompt on', async () => {
    assert.equal((await lmapp(['-m', 'box/system', '-s', 'Be brief.', 'x'])).stdout, 'Be brief.\n')
  })

  it('passes options on, and ends with 10 when the length limit cut it', async () => {
    const shown = await lmapp(['-m', 'box/echo', '-o', 'max_tokens=2', 'one two three four five six'])
    assert.equal(shown.code, 10)
    assert.match(shown.stderr, /length limit \(2 tokens\)/)
  })

  it('gives only the first code block with -x', async () => {
    assert.deepEqual(await lmapp(['-m', 'box/code', '-x', 'x']), { code: 0, stdout: 'echo hi\n', stderr: '' })
  })

  it('goes on in the conversation of this terminal with -c, or in a named one', async () => {
    const environment = { LMAPP_TERMINAL: 'going-on' }
    await lmapp(['-m', 'box/turns', 'first'], { environment })
    assert.equal((await lmapp(['-c', 'second'], { environment })).stdout, '2\n')
    const { id } = await service.client.lastConversation('named:going-on')
    assert.equal((await lmapp(['--conversation', id, 'third'])).stdout, '3\n')
    const shown = await lmapp(['-c', 'x'], { environment: { LMAPP_TERMINAL: 'never used' } })
    assert.equal(shown.code, 2)
  })

  it('leaves nothing in the history with -n', async () => {
    const before = (await service.client.listConversations()).length
    assert.equal((await lmapp(['-m', 'box/echo', '-n', 'secret'])).stdout, 'secret\n')
    assert.equal((await service.client.listConversations()).length, before)
  })

  it('keeps what arrived when the engine dies in the middle', async () => {
    const shown = await lmapp(['-m', 'box/drop', '--no-failover', 'x'])
    assert.equal(shown.code, 7)
    assert.match(shown.stdout, /^one two/)
    assert.match(shown.stderr, /lmapp continue/)
  })

  it('names what is wrong with the model, and with the length of the prompt', async () => {
    assert.equal((await lmapp(['-m', 'box/ecko', 'x'])).code, 4)
    assert.equal((await lmapp(['-m', 'box/small', 'word '.repeat(500)])).code, 6)
  })

  it('refuses options that exclude each other', async () => {
    assert.match((await lmapp(['--json', '-x', 'x'])).stderr, /exclude each other/)
    assert.match((await lmapp(['-c', '--conversation', 'x', 'x'])).stderr, /exclude each other/)
  })
})

describe('a question with --json', () => {
  it('is answered by one object a line: start, parts, end', async () => {
    const shown = await lmapp(['-m', 'box/echo', '--json', 'hello there'])
    const lines = parseLines(shown.stdout)
    assert.equal(shown.code, 0)
    assert.equal(lines[0].type, 'start')
    assert.equal(lines[0].model, 'box/echo')
    assert.ok(lines[0].conversation && lines[0].message)
    const answer = lines.filter(({ type }) => type === 'text-delta').map(({ text }) => text)
    assert.equal(answer.join(''), 'hello there')
    assert.equal(lines.at(-1).type, 'end')
    assert.equal(lines.at(-1).state, 'complete')
    assert.ok(lines.at(-1).usage.outputTokens > 0)
  })

  it('ends with exactly one end, also when it cannot begin', async () => {
    for (const argv of [['-m', 'box/ecko', 'x'], ['-o', 'nonsense=1', 'x'], []]) {
      const shown = await lmapp(['--json', ...argv])
      const lines = parseLines(shown.stdout)
      const [end, ...more] = lines.filter(({ type }) => type === 'end')
      assert.deepEqual(more, [])
      assert.equal(end.state, 'failed')
      assert.ok(end.error.code)
      assert.match(shown.stderr, /^lmapp: /)
    }
  })

  it('says on stderr too what made the answer incomplete', async () => {
    const shown = await lmapp(['-m', 'box/drop', '--no-failover', '--json', 'x'])
    assert.equal(shown.code, 7)
    assert.equal(parseLines(shown.stdout).at(-1).state, 'incomplete')
    assert.match(shown.stderr, /^lmapp: /)
  })
})
