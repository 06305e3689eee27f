import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { createTestContext } from '../../../testing/test-context.ts'
import { openEditor } from './open-editor.ts'
import { createTestKeyboard } from './testing/test-keyboard.ts'
import type { Candidates } from './text/completion.ts'

const folder = mkdtempSync(join(tmpdir(), 'lmapp-editor-'))
after(() => rmSync(folder, { recursive: true, force: true }))

interface OpenOptions {
  complete?: (text: string, cursor: number) => Promise<Candidates>
  environment?: NodeJS.ProcessEnv
}

function open(options: OpenOptions = {}) {
  const keyboard = createTestKeyboard()
  const context = createTestContext({
    stdin: keyboard,
    stdinKind: 'terminal',
    stdout: { isTerminal: true },
    environment: options.environment ?? {},
  })
  const complete = options.complete ?? (async () => ({ from: 0, candidates: [] }))
  const editor = openEditor(context, { history: ['before'], complete })
  return {
    editor,
    context,
    keyboard,
    shown: () => context.stdout.text,
    type: (text: string) => keyboard.write(text),
    /** Writes, and waits for it to be shown. */
    async show(text: string, pattern: RegExp) {
      keyboard.write(text)
      await context.stdout.until(pattern)
    },
    [Symbol.dispose]: () => editor.close(),
  }
}

describe('the editor of a terminal', () => {
  it('reads one message after the other', async () => {
    using chat = open()
    const first = chat.editor.read()
    chat.type('one\rtwo\r')
    assert.deepEqual(await first, { type: 'message', text: 'one', chips: [] })
    assert.deepEqual(await chat.editor.read(), { type: 'message', text: 'two', chips: [] })
    chat.editor.remember('two')
    const third = chat.editor.read()
    chat.type('\u001b[A\r')
    assert.deepEqual(await third, { type: 'message', text: 'two', chips: [] })
  })

  it('leaves by Ctrl-D, by a signal, and when the terminal is gone', async () => {
    using chat = open()
    const left = chat.editor.read()
    chat.type('\u0004')
    assert.deepEqual(await left, { type: 'leave', exitCode: 0 })

    using told = open()
    const reading = told.editor.read()
    await told.context.stdout.until(/> $/)
    told.context.send('SIGINT')
    await told.context.stdout.until(/Ctrl-C again/)
    told.context.send('SIGTERM')
    assert.deepEqual(await reading, { type: 'leave', exitCode: 143 })
    assert.deepEqual(await told.editor.read(), { type: 'leave', exitCode: 143 })

    using gone = open()
    const last = gone.editor.read()
    gone.keyboard.end()
    assert.deepEqual(await last, { type: 'leave', exitCode: 0 })
  })

  it('puts chips where the cursor is, also those that came before', async () => {
    using chat = open()
    chat.editor.insertChip({ label: 'a.png', value: 1 })
    const reading = chat.editor.read()
    await chat.context.stdout.until(/\[a\.png\]/)
    chat.editor.insertChip({ label: 'b.txt', text: 'B' })
    await chat.context.stdout.until(/\[b\.txt\]/)
    chat.type('?\r')
    const chips = [
      { label: 'a.png', value: 1 },
      { label: 'b.txt', text: 'B' },
    ]
    assert.deepEqual(await reading, { type: 'message', text: 'B?', chips })
  })
})

describe('while an answer is written', () => {
  /** Reads one message, so that nothing is read any more. */
  async function busy() {
    const chat = open()
    const reading = chat.editor.read()
    chat.type('go\r')
    await reading
    const told = Promise.withResolvers<string>()
    const release = chat.editor.signals.listen(told.resolve)
    return { ...chat, told: told.promise, release }
  }

  it('Ctrl-C and Escape stop it', async () => {
    for (const bytes of ['\u0003', '\u001b', '\u001b[27u', '\u001b[99;5u']) {
      const chat = await busy()
      chat.type(bytes)
      assert.equal(await chat.told, 'SIGINT')
      chat.editor.close()
    }
  })

  it('what is typed is kept for the next message, and shown only then', async () => {
    const chat = await busy()
    const before = chat.shown()
    chat.type('next\u001b[D!\u0003')
    await chat.told
    assert.equal(chat.shown(), before)
    const reading = chat.editor.read()
    await chat.context.stdout.until(/> nex!t|nex!t/)
    chat.type('\r')
    assert.deepEqual(await reading, { type: 'message', text: 'nex!t', chips: [] })
    chat.release()
    chat.editor.close()
  })

  it('what was typed with Enter is sent after it, but not after it was stopped', async () => {
    const sent = await busy()
    sent.type('next\r')
    assert.deepEqual(await sent.editor.read(), { type: 'message', text: 'next', chips: [] })
    sent.editor.close()

    const stopped = await busy()
    stopped.type('one\rtwo\r\u0003')
    await stopped.told
    const reading = stopped.editor.read()
    await stopped.context.stdout.until(/two/)
    stopped.type('!\r')
    assert.deepEqual(await reading, { type: 'message', text: 'one\ntwo!', chips: [] })
    stopped.editor.close()
  })
})

describe('Ctrl-C that nobody listens to', () => {
  it('ends the process when it comes twice, as it would elsewhere', async () => {
    using chat = open()
    const reading = chat.editor.read()
    chat.type('go\r')
    await reading
    const ended = once(process, 'SIGINT')
    chat.type('\u0003\u0003')
    await ended
  })
})

describe('Ctrl-G', () => {
  function program(name: string, script: string): NodeJS.ProcessEnv {
    const path = join(folder, name)
    writeFileSync(path, `#!/bin/sh\n${script}\n`)
    chmodSync(path, 0o755)
    return { EDITOR: path }
  }

  it('shows all of a chip in the editor, and takes over what comes back', async () => {
    using chat = open({ environment: program('number', 'wc -l < "$1" > "$1.new" && mv "$1.new" "$1"') })
    const reading = chat.editor.read()
    await chat.show(`\u001b[200~${'line\n'.repeat(300)}\u001b[201~`, /300 lines\]/)
    await chat.show('\u0007', /> 299/)
    chat.type('\r')
    assert.deepEqual(await reading, { type: 'message', text: '299', chips: [] })
  })

  it('keeps the message when the editor fails', async () => {
    using chat = open({ environment: program('fails', 'exit 3') })
    const reading = chat.editor.read()
    await chat.show('draft\u0007', /draft[\s\S]*> draft/)
    assert.match(chat.context.stderr.text, /The editor ended with 3/)
    chat.type('\r')
    assert.deepEqual(await reading, { type: 'message', text: 'draft', chips: [] })
  })
})

describe('a process that was stopped', () => {
  it('shows its prompt again when it goes on', async () => {
    using chat = open()
    const reading = chat.editor.read()
    await chat.show('draft', /draft/)
    process.emit('SIGCONT')
    await chat.context.stdout.until(/draft[\s\S]*> draft/)
    chat.type('\r')
    assert.deepEqual(await reading, { type: 'message', text: 'draft', chips: [] })
  })
})

describe('completion in a terminal', () => {
  it('comes when it comes, and never for a text that changed', async () => {
    const asked: { text: string; answer: (found: Candidates) => void }[] = []
    using chat = open({
      complete: (text) => new Promise((resolve) => asked.push({ text, answer: resolve })),
    })
    const reading = chat.editor.read()
    await chat.show('/he\t', /\/he/)
    await chat.show('!', /!/)
    asked[0]?.answer({ from: 0, candidates: [{ insert: '/hello' }] })
    await chat.show('\u0008\t?', /\?/)
    await chat.show('\u0008\t', /$/)
    while (asked.length < 3) await new Promise((resolve) => setImmediate(resolve))
    asked[2]?.answer({ from: 0, candidates: [{ insert: '/help' }] })
    await chat.context.stdout.until(/lp/)
    chat.type('\r')
    assert.deepEqual(await reading, { type: 'message', text: '/help', chips: [] })
  })

  it('that fails is none', async () => {
    using chat = open({ complete: () => Promise.reject(new Error('no')) })
    const reading = chat.editor.read()
    chat.type('x\t\r')
    assert.deepEqual(await reading, { type: 'message', text: 'x', chips: [] })
  })
})

describe('the terminal given away', () => {
  it('is not listened to meanwhile, and Ctrl-C is for the other program', async () => {
    using chat = open()
    const reading = chat.editor.read()
    await chat.show('draft', /draft/)
    const result = await chat.editor.release(async () => {
      assert.equal(chat.keyboard.isRaw, false)
      chat.context.send('SIGINT')
      return 7
    })
    assert.deepEqual([result, chat.keyboard.isRaw], [7, true])
    chat.type('\r')
    assert.deepEqual(await reading, { type: 'message', text: 'draft', chips: [] })
  })

  it('ends the chat afterwards when the process was told to end', async () => {
    using chat = open()
    const reading = chat.editor.read()
    await assert.rejects(
      chat.editor.release(async () => {
        chat.context.send('SIGTERM')
        throw new Error('broken')
      }),
      /broken/,
    )
    assert.deepEqual(await reading, { type: 'leave', exitCode: 143 })
  })
})
