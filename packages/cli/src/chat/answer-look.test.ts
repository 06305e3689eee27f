import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RunEnd, RunEvent, RunSnapshot } from 'lmapp-kit'
import { complete, start, text } from '../testing/scripted-service.ts'
import { createTestContext } from '../testing/test-context.ts'
import { createTestOutput } from '../testing/test-output.ts'
import { type AnswerLook, chooseLook, findAbilities } from './answer-look.ts'
import { createAnswerPrinter } from './answer-printer.ts'
import { findCodeBlocks, openFence } from './extract-code.ts'

const terminal = { isTerminal: true, colors: true, columns: 40 }

const visible = (text: string) => text.replaceAll('\u001b', '␛')

function open(look: AnswerLook) {
  const context = createTestContext({ stdout: terminal, stderr: terminal })
  const printer = createAnswerPrinter(context, {
    quiet: false,
    hideReasoning: false,
    extract: false,
    goOn: '/continue',
    look,
    makeRoom: 'Make room.',
  })
  return {
    ...context,
    printer,
    async show(events: readonly Parameters<typeof printer.print>[0][], end: RunEnd = complete) {
      for (const event of events) await printer.print(event)
      await printer.end(end)
      return { stdout: visible(context.stdout.text), stderr: visible(context.stderr.text) }
    },
  }
}

const handover: RunEvent = {
  type: 'handover',
  from: 'box/tiny',
  to: 'box/other',
  reason: { code: 'engine-died', message: 'It died.' },
}

describe('the look of an answer', () => {
  it('is Markdown where rows can be drawn again, plain where that is wished, else the text', () => {
    const look = (options: Parameters<typeof createTestOutput>[0], plain = false) =>
      chooseLook(createTestOutput(options), { plain })
    assert.equal(look({ isTerminal: true }), 'markdown')
    assert.equal(look({ isTerminal: true }, true), 'plain')
    assert.equal(look({ isTerminal: true, dumb: true }), 'text')
    assert.equal(look({}), 'text')
    assert.equal(look({}, true), 'text')
  })

  it('has what the terminal is known to show', () => {
    assert.deepEqual(findAbilities({}), { unicode: true, hyperlinks: false })
    assert.deepEqual(findAbilities({ LANG: 'C' }), { unicode: false, hyperlinks: false })
    assert.deepEqual(findAbilities({ LC_ALL: 'de_DE.UTF-8', LANG: 'C', TERM: 'xterm-kitty' }), {
      unicode: true,
      hyperlinks: true,
    })
    assert.equal(findAbilities({ TERM: 'linux' }).unicode, false)
    assert.equal(findAbilities({ VTE_VERSION: '6800' }).hyperlinks, true)
    assert.equal(findAbilities({ TERM_PROGRAM: 'WezTerm', TMUX: '/tmp/x' }).hyperlinks, false)
  })
})

describe('an answer in Markdown', () => {
  it('makes room for a notice in its middle, and for the phases of the model that takes over', async () => {
    const chat = open('markdown')
    await chat.printer.print(start)
    await chat.printer.print(text('one *two'))
    await chat.printer.print({ type: 'status', phase: 'generating' })
    assert.doesNotMatch(chat.stderr.text, /answering/)
    await chat.printer.print(handover)
    assert.match(visible(chat.stdout.text), /␛\[\?25h$/)
    await chat.printer.print({ type: 'status', phase: 'loading' })
    assert.match(chat.stderr.text, /box\/other carries on\.\n[\s\S]*loading the model/)
    const shown = await chat.show([text('*'), { type: 'reasoning-delta', text: 'Hm.' }, text(' three')])
    assert.match(shown.stdout, /one ␛\[3mtwo␛\[m three␛\[K\r\n␛\[\?25h[^\n]*$/)
    assert.match(shown.stderr, /Hm\.[\s\S]*\n\n/)
  })

  it('goes on in a block of code where it was cut in one', async () => {
    const cut = 'So:\n```sh\necho o'
    const snapshot: RunSnapshot = { ...start, type: 'snapshot', text: cut, reasoning: '', toolCalls: [] }
    const shown = await open('markdown').show([snapshot, text('ne  two\n```\n')])
    assert.match(shown.stderr, /… So: ```sh echo o[^\n]*\n/)
    assert.match(shown.stdout, /ne {2}two/)
  })

  it('leaves the cursor as it was when nobody waits for the end', async () => {
    const chat = open('markdown')
    await chat.printer.print(start)
    await chat.printer.print(text('one'))
    await chat.printer.leave()
    assert.match(visible(chat.stdout.text), /one[\s\S]*␛\[\?25h/)
  })

  it('says in red, and in words, that the context is nearly full; the line breaks between words', async () => {
    const end = { ...complete, usage: { inputTokens: 80, outputTokens: 5, contextLength: 100 } }
    const shown = await open('markdown').show([start, text('one')], end)
    assert.match(shown.stderr, /tok\/s ·\nfirst token 0\.2 s␛\[22m\n␛\[31mcontext 85\/100, 85 % full␛\[39m\n/)
    assert.match(shown.stderr, /The context is nearly full\. Make\s+room\./)
  })
})

describe('an answer for a screen reader', () => {
  it('has phases as lines and nothing that is drawn again', async () => {
    const shown = await open('plain').show([
      start,
      { type: 'status', phase: 'loading' },
      { type: 'status', phase: 'loading', progress: { done: 50, unit: 'percent' } },
      text('**one**'),
    ])
    assert.equal(shown.stdout, 'one\n')
    assert.match(shown.stderr, /^lmapp: loading the model\n[^\n]*box\/tiny/)
  })
})

describe('the code in an answer', () => {
  const answer = 'a\n```sh\none\n```\n~~~\ntwo\n```\n~~~\n```js\nthree'

  it('is found block by block', () => {
    assert.deepEqual(findCodeBlocks(answer), ['one\n', 'two\n```\n', 'three'])
    assert.deepEqual(findCodeBlocks('none'), [])
  })

  it('is known to be open', () => {
    assert.equal(openFence(answer), '```js')
    assert.equal(openFence('```\nx\n```\n'), undefined)
  })
})
