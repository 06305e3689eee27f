import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import { createTestContext } from '../../../testing/test-context.ts'
import { openEditor } from './open-editor.ts'

const options = { history: [], complete: async () => ({ from: 0, candidates: [] }) }

function open({ plain = false } = {}) {
  const stdin = new PassThrough()
  const context = createTestContext({ stdin, stdinKind: 'terminal', stdout: { isTerminal: true, dumb: !plain } })
  const editor = openEditor(context, { ...options, plain })
  return { stdin, context, editor, [Symbol.dispose]: () => editor.close() }
}

describe('the editor of a terminal that can only print', () => {
  it('says once what it cannot do', async () => {
    using chat = open()
    chat.stdin.write('one\ntwo\n')
    assert.deepEqual(await chat.editor.read(), { type: 'message', text: 'one', chips: [] })
    assert.deepEqual(await chat.editor.read(), { type: 'message', text: 'two', chips: [] })
    assert.equal(
      chat.context.stdout.text,
      'This terminal cannot move the cursor: no editing keys, no completion. Several lines: """ before and after.\n> > ',
    )
  })

  it('is taken where stdin has no raw mode', async () => {
    const stdin = new PassThrough()
    const context = createTestContext({ stdin, stdinKind: 'terminal', stdout: { isTerminal: true } })
    const editor = openEditor(context, options)
    stdin.write('x\n')
    assert.deepEqual(await editor.read(), { type: 'message', text: 'x', chips: [] })
    assert.match(context.stdout.text, /cannot move the cursor/)
    editor.close()
  })

  it('has prompts in words, and says nothing, where the user wants it', async () => {
    using chat = open({ plain: true })
    chat.stdin.write('"""\none\n  two"""\n')
    assert.deepEqual(await chat.editor.read(), { type: 'message', text: 'one\n  two', chips: [] })
    assert.equal(chat.context.stdout.text, 'You: More: More: ')
  })

  it('asks again where nothing was written', async () => {
    using chat = open({ plain: true })
    chat.stdin.write('\n   \nx\n')
    assert.deepEqual(await chat.editor.read(), { type: 'message', text: 'x', chips: [] })
    chat.editor.remember('x')
  })

  it('throws away a block with Ctrl-C, hints on an empty line, and leaves the second time', async () => {
    using chat = open({ plain: true })
    const reading = chat.editor.read()
    chat.stdin.write('"""\n')
    await chat.context.stdout.until(/More: $/)
    chat.context.send('SIGINT')
    await chat.context.stdout.until(/More: \nYou: $/)
    chat.context.send('SIGINT')
    await chat.context.stdout.until(/Ctrl-C again, Ctrl-D or \/exit leaves\.\nYou: $/)
    chat.context.send('SIGINT')
    assert.deepEqual(await reading, { type: 'leave', exitCode: 0 })
  })

  it('leaves at the end of what comes in, and by a signal', async () => {
    using chat = open()
    chat.stdin.end()
    assert.deepEqual(await chat.editor.read(), { type: 'leave', exitCode: 0 })
    using told = open()
    const reading = told.editor.read()
    await told.context.stdout.until(/> $/)
    told.context.send('SIGHUP')
    assert.deepEqual(await reading, { type: 'leave', exitCode: 129 })
  })

  it('sends chips with the next message, and says so', async () => {
    using chat = open({ plain: true })
    const picture = { label: 'a.png', value: 1 }
    chat.editor.insertChip(picture)
    chat.editor.insertChip({ label: 'b.txt', text: 'B' })
    chat.stdin.write('what?\nand?\n')
    const chips = [picture, { label: 'b.txt', text: 'B' }]
    assert.deepEqual(await chat.editor.read(), { type: 'message', text: 'B\nwhat?', chips })
    assert.deepEqual(await chat.editor.read(), { type: 'message', text: 'and?', chips: [] })
    assert.match(chat.context.stdout.text, /^With the next message: \[a\.png\]\n/)
  })

  it('reads nothing while another program has the terminal', async () => {
    using chat = open({ plain: true })
    assert.equal(await chat.editor.release(async () => chat.stdin.isPaused()), true)
    assert.equal(chat.stdin.isPaused(), false)
  })
})
