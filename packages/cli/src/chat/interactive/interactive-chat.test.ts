import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { openTerminal, type Terminal } from '../../testing/terminal.ts'
import { openTestService, type TestService } from '../../testing/test-service.ts'

let service: TestService

before(async () => {
  service = await openTestService({
    echo: {},
    turns: { reply: 'turn {turns}' },
    system: { reply: 'told: {system}' },
    slow: { reply: 'word ', repeatTokens: 2000, paceMs: 10 },
    drop: { reply: 'one two three four five six', fault: { kind: 'drop', afterTokens: 3, times: 1 } },
  })
})
after(() => service[Symbol.asyncDispose]())

function open(argv: readonly string[], environment: NodeJS.ProcessEnv = {}, columns = 80): Terminal {
  return openTerminal({ argv, environment: { ...service.environment, NO_COLOR: '1', ...environment }, columns })
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what the terminal is sent
const prompt = /> (?:\u001b\[\d+G)?$/

async function say(terminal: Terminal, text: string, answer: RegExp): Promise<string> {
  terminal.type(`${text}\r`)
  const shown = await terminal.until(answer)
  await terminal.until(prompt)
  return shown
}

async function leave(terminal: Terminal): Promise<void> {
  terminal.type('\u0004')
  assert.equal(await terminal.exited, 0)
}

describe('the interactive chat', () => {
  it('asks and answers in one conversation until Ctrl-D', async () => {
    await using terminal = open(['-m', 'box/turns'])
    await terminal.until(prompt)
    await say(terminal, 'hello', /turn 1\r\n.*box\/turns · \d+ token/)
    await say(terminal, 'again', /turn 2/)
    await leave(terminal)
  })

  it('goes on in the conversation before with -c', async () => {
    await using terminal = open(['-c', '-m', 'box/turns', '-q'])
    await terminal.until(prompt)
    await say(terminal, 'hello', /turn 3/)
    terminal.type('exit\r')
    assert.equal(await terminal.exited, 0)
  })

  it('keeps pasted lines one message, and lines by Ctrl-J, and between quotes', async () => {
    await using terminal = open(['-m', 'box/echo'])
    await terminal.until(prompt)
    terminal.type('\u001b[200~one\ntwo\n\u001b[201~')
    await terminal.until(/one↵two/)
    await say(terminal, '', /\r\none\r\ntwo\r\n/)
    terminal.type('three\nfour')
    await terminal.until(/three↵four/)
    await say(terminal, '', /\r\nthree\r\nfour\r\n/)
    terminal.type('"""\r')
    await terminal.until(/… /)
    terminal.type('five\r')
    await terminal.until(/five\r[\s\S]*… /)
    await say(terminal, 'six"""', /\r\nfive\r\nsix\r\n/)
    await leave(terminal)
  })

  it('stops an answer with Ctrl-C, keeps it, and goes on with it', async () => {
    await using terminal = open(['-m', 'box/slow'])
    await terminal.until(prompt)
    terminal.type('go\r')
    await terminal.until(/word word/)
    terminal.type('\u0003')
    await terminal.until(/stopped; what arrived is kept. Go on with it: \/continue/)
    await terminal.until(prompt)
    terminal.type('/continue\r')
    await terminal.until(/word word/)
    terminal.type('\u0003')
    await terminal.until(/stopped/)
    await terminal.until(prompt)
    await leave(terminal)
  })

  it('hints at the first Ctrl-C on an empty line, and leaves at the second', async () => {
    await using terminal = open(['-m', 'box/echo'])
    await terminal.until(prompt)
    terminal.type('half a line')
    await terminal.until(/half a line/)
    terminal.type('\u0003')
    await terminal.until(prompt)
    terminal.type('\u0003')
    await terminal.until(/Ctrl-C again/)
    await terminal.until(prompt)
    terminal.type('\u0003')
    assert.equal(await terminal.exited, 0)
  })

  it('is not ended by an engine that fails, and retries and continues', async () => {
    await using terminal = open(['-m', 'box/drop', '--no-failover'])
    await terminal.until(prompt)
    await say(terminal, 'count', /lmapp: [\s\S]*continue/)
    await say(terminal, '/continue', /six/)
    await say(terminal, '/retry', /one two three four five six/)
    await say(terminal, '/history', /you:[\s\S]*count/)
    await leave(terminal)
  })

  it('knows its commands, and names the nearest for what is none', async () => {
    await using terminal = open(['-m', 'box/echo'])
    await terminal.until(prompt)
    await say(terminal, '/help', /\/retry/)
    await say(terminal, '/retry', /Nothing was said yet/)
    await say(terminal, '/hlep', /Did you mean \/help\?/)
    await say(terminal, '/stats', /comes in a later version/)
    await say(terminal, '/model', /box\/echo/)
    await say(terminal, '/model box/system', /From now on: box\/system/)
    await say(terminal, '/model nonsense', /lmapp: No model/)
    await say(terminal, '/system', /There is no system prompt/)
    await say(terminal, '/system Be brief.', /System prompt: Be brief\./)
    await say(terminal, 'x', /told: Be brief\./)
    await say(terminal, '/system off', /There is no system prompt/)
    await say(terminal, '/clear', /A new conversation begins/)
    await say(terminal, '/usr/share is what?', /told:/)
    terminal.type('/ex\t')
    await terminal.until(/\/exit/)
    terminal.type('\r')
    assert.equal(await terminal.exited, 0)
  })

  it('recalls by Up what was typed before, also in another chat', async () => {
    await using terminal = open(['-m', 'box/echo'])
    await terminal.until(prompt)
    await say(terminal, 'remember me', /remember me\r\n.*token/)
    await leave(terminal)
    await using next = open(['-m', 'box/echo'])
    await next.until(prompt)
    next.type('\u001b[A')
    await next.until(/remember me/)
    await say(next, '', /remember me\r\n.*token/)
    await leave(next)
  })

  it('keeps what is typed while an answer comes', async () => {
    await using terminal = open(['-m', 'box/slow', '-o', 'max_tokens=30'])
    await terminal.until(prompt)
    terminal.type('go\r')
    await terminal.until(/word/)
    terminal.type('/model\r')
    await terminal.until(/\/model\r[\s\S]*box\/slow\r\n/)
    await terminal.until(prompt)
    await leave(terminal)
  })

  it('keeps what is typed before it is there', async () => {
    await using terminal = open(['-m', 'box/turns'])
    terminal.type('too early\r')
    await terminal.until(/turn 1/)
    await terminal.until(prompt)
    await leave(terminal)
  })

  it('opens the editor with Ctrl-G', async () => {
    const editor = join(service.home, 'editor')
    writeFileSync(editor, '#!/bin/sh\nprintf "%s edited\\nin lines\\n" "$(cat "$1")" > "$1.new" && mv "$1.new" "$1"\n')
    chmodSync(editor, 0o755)
    await using terminal = open(['-m', 'box/echo'], { EDITOR: editor })
    await terminal.until(prompt)
    terminal.type('draft')
    await terminal.until(/draft/)
    terminal.type('\u0007')
    // The line editor listens again when it asks for pastes to be marked.
    await terminal.until(/\[\?2004h[^\n]*draft edited↵in lines/)
    await say(terminal, '', /\r\ndraft edited\r\nin lines\r\n/)
    await leave(terminal)
  })

  it('says when the editor cannot be opened, and keeps the line', async () => {
    await using terminal = open(['-m', 'box/echo'], { EDITOR: '/no/such/editor' })
    await terminal.until(prompt)
    terminal.type('draft')
    await terminal.until(/draft/)
    terminal.type('\u0007')
    await terminal.until(/could not be started[\s\S]*\[\?2004h[^\n]*draft/)
    await say(terminal, '', /draft\r\n.*token/)
    await leave(terminal)
  })

  it('writes nothing with --no-save', async () => {
    await using terminal = open(['-n', '-m', 'box/echo'])
    await terminal.until(prompt)
    await say(terminal, 'secret words', /secret words\r\n.*token/)
    await leave(terminal)
    assert.deepEqual(await service.client.search('secret'), [])
  })

  it('remembers with --no-save what was said, until it ends', async () => {
    await using terminal = open(['-n', '-m', 'box/turns'])
    await terminal.until(prompt)
    await say(terminal, '/retry', /Nothing was said yet/)
    await say(terminal, 'one', /turn 1\r\n/)
    await say(terminal, 'two', /turn 2\r\n/)
    await say(terminal, '/retry', /turn 2\r\n/)
    await say(terminal, '/continue', /Nothing of this chat is kept/)
    terminal.type('/clear\r')
    await terminal.until(/\/clear/)
    await terminal.until(prompt)
    await say(terminal, 'three', /turn 1\r\n/)
    await leave(terminal)
  })

  it('works on a dumb terminal, and on a narrow one', async () => {
    await using dumb = open(['-m', 'box/echo'], { TERM: 'dumb' })
    await dumb.until(/> $/)
    dumb.type('hello\n')
    await dumb.until(/\r\nhello\r\n/)
    await dumb.until(/> $/)
    assert.ok(!dumb.shown.includes('\u001b'))
    dumb.type('\u0003')
    await dumb.until(/Ctrl-C again/)
    await dumb.until(/> $/)
    await leave(dumb)

    await using narrow = open(['-m', 'box/echo'], {}, 40)
    await narrow.until(prompt)
    await say(narrow, 'a question that is longer than the terminal is wide', /wide[\s\S]*token/)
    await leave(narrow)
  })

  it('leaves when it is told to by a signal', async () => {
    await using terminal = open(['-m', 'box/echo'])
    await terminal.until(prompt)
    terminal.process.kill('SIGKILL')
    await terminal.exited
  })
})
