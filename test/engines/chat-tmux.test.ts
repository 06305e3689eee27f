/** The interactive chat as a person has it in tmux, read from tmux's own screen. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, it } from 'node:test'
import { bare, createHome, installTestModel, testModel, withMock } from '../support/home.ts'
import { startTmux } from './start-tmux.ts'

const hasTmux = spawnSync('tmux', ['-V']).status === 0
const skip = hasTmux ? false : 'tmux is not installed: apt-get install tmux'

const story =
  '# A story\n\nHerons **wait** in the shallow water, and nobody who passes by on the long road above them ever sees how long.\n\n' +
  '- one *thin* bird\n- two 日本語 birds\n\n```js\nconst birds = 2 // herons\n```\n\nThe end of the story.'

const models = {
  story: { reply: story, paceMs: 2 },
  slow: { reply: story, paceMs: 60 },
  echo: {},
  long: { reply: 'word ', repeatTokens: 4000, paceMs: 10 },
}
const home = () => createHome(withMock(models))

describe('the chat in tmux', { skip }, () => {
  for (const columns of [80, 40]) {
    it(`renders Markdown within ${columns} columns`, async ({ signal }) => {
      await using place = await home()
      await using tmux = await startTmux({ home: place, columns, args: ['-m', 'box/story'], signal })
      await tmux.see(/\/help[\s\S]*\n> *$/)
      await tmux.type('tell me')
      await tmux.press('Enter')
      const text = await tmux.see(/box\/story · \d+ tokens[\s\S]*\n> *$/)
      assert.match(text, /\nA story\n/)
      assert.match(text, /\n• one thin bird\n• two 日本語 birds\n/)
      assert.match(text, /\n {0,4}const birds = 2 \/\/ herons\n/)
      assert.match(text, /\nThe end of the story\.\n/)
      assert.doesNotMatch(text, /\*\*|```/)
      assert.equal(text.match(/Herons wait/g)?.length, 1)
      for (const line of text.split('\n')) assert.ok(line.length <= columns, line)
    })
  }

  it('shows each row once when the window is resized in the middle of an answer', async ({ signal }) => {
    await using place = await home()
    await using tmux = await startTmux({ home: place, columns: 80, args: ['-m', 'box/slow'], signal })
    await tmux.see(/\n> *$/)
    await tmux.type('tell me')
    await tmux.press('Enter')
    await tmux.see(/Herons wait in/)
    await tmux.resize(40)
    await tmux.see(/thin/)
    await tmux.resize(70)
    const text = await tmux.see(/box\/slow · \d+ tokens[\s\S]*\n> *$/)
    const words = text.replace(/\s+/g, ' ')
    assert.match(
      words,
      /A story Herons wait in the shallow water, and nobody who passes by on the long road above them ever sees how long\. • one thin bird • two 日本語 birds/,
    )
    for (const once of ['A story', 'Herons wait', 'thin bird', 'const birds', 'The end of']) {
      assert.equal(words.split(once).length - 1, 1, once)
    }
  })

  it('takes a paste of 300 lines as one message, shown as a chip', async ({ signal }) => {
    await using place = await home()
    await using tmux = await startTmux({ home: place, columns: 80, args: ['-m', 'box/echo'], signal })
    await tmux.see(/\n> *$/)
    const lines = Array.from({ length: 300 }, (_, index) => `line ${index + 1} of the paste`)
    await tmux.paste(`${lines.join('\n')}\n`)
    await tmux.see(/\n> \[pasted 300 lines\] *$/)
    await tmux.press('Enter')
    const text = await tmux.see(/line 300 of the paste[\s\S]*\n> *$/)
    assert.equal(text.match(/line 1 of the paste/g)?.length, 1)
  })

  it('makes another line by Ctrl-J and by Shift-Enter', async ({ signal }) => {
    await using place = await home()
    await using tmux = await startTmux({ home: place, columns: 80, args: ['-m', 'box/echo'], signal })
    await tmux.see(/\n> *$/)
    await tmux.type('one')
    await tmux.press('C-j')
    await tmux.type('two')
    await tmux.press('S-Enter')
    await tmux.type('three')
    await tmux.see(/\n> one\n {2}two\n {2}three *$/)
    await tmux.press('Enter')
    await tmux.see(/box\/echo · /)
  })

  it('stops an answer by Escape, and keeps what was typed meanwhile', async ({ signal }) => {
    await using place = await home()
    await using tmux = await startTmux({ home: place, columns: 40, args: ['-m', 'box/long'], signal })
    await tmux.see(/\n> *$/)
    await tmux.type('go')
    await tmux.press('Enter')
    await tmux.see(/word word/)
    await tmux.type('typed ahead')
    await tmux.press('Escape')
    await tmux.see(/The answer was stopped[\s\S]*\n> typed ahead *$/)
  })

  it('copies into the buffer of tmux', async ({ signal }) => {
    await using place = await home()
    await using tmux = await startTmux({ home: place, columns: 80, args: ['-m', 'box/story'], signal })
    await tmux.see(/\n> *$/)
    await tmux.type('tell me')
    await tmux.press('Enter')
    await tmux.see(/box\/story · \d+ tokens[\s\S]*\n> *$/)
    await tmux.type('/copy 1')
    await tmux.press('Enter')
    await tmux.see(/Copied code block 1, 1 line/)
    assert.equal(await tmux.run('show-buffer'), 'const birds = 2 // herons')
  })

  const noModel = existsSync(testModel) ? false : 'the test model is not there: scripts/install-engines.sh model'
  it('chats with the embedded model', { skip: noModel }, async ({ signal }) => {
    await using place = await createHome({ backends: { ollama: bare.backends.ollama } })
    await installTestModel(place)
    await using tmux = await startTmux({
      home: place,
      columns: 80,
      args: ['-m', 'embedded/smollm2-135m', '-o', 'max_tokens=24'],
      signal,
    })
    await tmux.see(/\n> *$/)
    await tmux.type('Name three birds.')
    await tmux.press('Enter')
    await tmux.see(/embedded\/smollm2-135m · \d+ tokens · [\d.]+ tok\/s · first token /)
    await tmux.type('/stats')
    await tmux.press('Enter')
    await tmux.see(/Tokens out +\d+/)
  })
})
