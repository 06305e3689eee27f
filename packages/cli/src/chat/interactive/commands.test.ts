import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { openTestService, type TestService } from '../../testing/test-service.ts'
import { type ChatTerminal, openChat } from './testing/chat-terminal.ts'

const markdown = '# Title\n\nUse **this**:\n\n```sh\necho one\necho two\n```\n\nor\n\n```py\nprint(3)\n```\n'
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

let service: TestService
let folder: string

before(async () => {
  service = await openTestService({
    echo: {},
    turns: { reply: 'turn {turns}' },
    system: { reply: 'told: {system}' },
    code: { reply: markdown },
    sees: { reply: 'I see', seesImages: true },
    drop: { reply: 'one two three four five six', fault: { kind: 'drop', afterTokens: 3, times: 1 } },
    small: { reply: 'a b c d e f g h i j', contextLength: 14 },
    long: { reply: 'word ', repeatTokens: 30 },
  })
  folder = join(service.home, 'folder')
  mkdirSync(join(folder, 'inner'), { recursive: true })
  writeFileSync(join(folder, 'notes with a space.txt'), 'the notes')
  writeFileSync(join(folder, 'dot.png'), png)
  writeFileSync(join(folder, 'edit'), '#!/bin/sh\nprintf "%s, changed" "$(cat "$1")" > "$1.new" && mv "$1.new" "$1"\n')
  writeFileSync(join(folder, 'xclip'), `#!/bin/sh\ncat > "${folder}/copied"\n`)
  for (const program of ['edit', 'xclip']) chmodSync(join(folder, program), 0o755)
})
after(() => service[Symbol.asyncDispose]())

interface Opened {
  environment?: NodeJS.ProcessEnv
  columns?: number
}

async function open(model: string, { environment = {}, columns = 80 }: Opened = {}, ...more: string[]) {
  const chat = openChat({
    argv: ['-m', `box/${model}`, ...more],
    environment: { ...service.environment, NO_COLOR: '1', EDITOR: join(folder, 'edit'), HOME: folder, ...environment },
    columns,
    rows: 50,
  })
  await chat.ready()
  return chat
}

/** The conversation that the chat is in. */
async function idOf(chat: ChatTerminal): Promise<string> {
  const said = await chat.say('/stats', /Id +[0-9a-f-]{36}/)
  return /Id +([0-9a-f-]{36})/.exec(said)?.[1] ?? ''
}

describe('what is typed with a slash', () => {
  it('/help says what there is, and about one command; what is none is told the nearest', async () => {
    await using chat = await open('echo', { columns: 40 })
    const help = await chat.say('/help', /\/compact[\s\S]*Ctrl-G/)
    for (const line of help.split('\n')) assert.ok(line.length <= 40, line)
    await chat.say('/help model', /\/model \[REF\|NUMBER\] +which/)
    await chat.say('/help nonsense', /no command \/nonsense/)
    await chat.say('/hlep', /Did you mean \/help\?/)
    await chat.leave()
  })

  it('/model shows which answers, and switches by name or number; /models lists them', async () => {
    await using chat = await open('turns')
    await chat.say('hello', /turn 1/)
    const list = await chat.say('/model', /box\/turns\n[\s\S]*\* ?\d+ {2}box\/turns[\s\S]*\/model NUMBER/)
    const [, number = ''] = /(\d+) {2}box\/echo/.exec(list) ?? []
    await chat.say(`/model ${number}`, /From now on: box\/echo\. The conversation goes on\./)
    await chat.say('to echo', /\nto echo\n/)
    await chat.say('/model box/turns', /From now on/)
    await chat.say('again', /turn 3/)
    await chat.say('/model 999', /no model number 999/)
    await chat.say('/model nonsense', /lmapp: No model/)
    await chat.say('/models', /box\/system/)
    await chat.leave()
  })

  it('/system sets the system prompt, and /persona says that there are none', async () => {
    await using chat = await open('system')
    await chat.say('/system', /There is no system prompt/)
    await chat.say('/system Be brief.', /System prompt: Be brief\./)
    await chat.say('x', /told: Be brief\./)
    await chat.say('/system off', /There is no system prompt/)
    chat.type('/system o\t')
    await chat.see(/> \/system off$/m)
    chat.type('\u0015')
    await chat.say('/persona', /no personas yet[\s\S]*configuration/)
    await chat.leave()
  })

  it('/file attaches texts to the next question, also around another command', async () => {
    await using chat = await open('echo')
    await chat.say('/file', /Which file/)
    await chat.say('/file ~/nothing.txt', /lmapp: .*nothing\.txt/)
    chat.type(`/file ~/notes with a space.txt\r`)
    await chat.see(/\[notes with a space\.txt \(9 B\)\]/)
    chat.type('\u0001/model \r')
    await chat.see(/Another one[\s\S]*\n> \[notes with a space\.txt \(9 B\)\]/)
    chat.type('what is it?\r')
    await chat.see(/\nthe notes[\s\S]*what is it\?/)
    await chat.leave()
  })

  it('/image attaches pictures, unless the model cannot see', async () => {
    await using chat = await open('echo')
    await chat.say('/image ~/dot.png', /box\/echo cannot see images/)
    await chat.say('/model box/sees', /From now on/)
    await chat.say('/image ~/notes\\ with\\ a\\ space.txt', /is no image/)
    chat.type('/image "~/dot.png"\r')
    await chat.see(/\[dot\.png \(\d+ B\)\]/)
    await chat.say('', /image\/png[\s\S]*I see/)
    await chat.leave()
  })

  it('/retry asks the last question again, /continue goes on with an answer that was cut', async () => {
    await using chat = await open('drop', {}, '--no-failover')
    await chat.say('/retry', /Nothing was said yet/)
    await chat.say('/continue', /Nothing was said yet/)
    await chat.say('count', /lmapp: [\s\S]*Go on with it: \/continue/)
    await chat.say('/continue', /… one two three\n[\s\S]*four five six/)
    await chat.say('/retry', /one two three four five six/)
    await chat.say('/continue', /That answer is complete[\s\S]*\/retry/)
    await chat.leave()
  })

  it('/edit asks the last question as it comes from the editor, and keeps the old branch', async () => {
    await using chat = await open('echo')
    await chat.say('/edit', /Nothing was said yet/)
    await chat.say('first', /first/)
    await chat.say('second', /second/)
    await chat.say('/edit', /second, changed\n[\s\S]*second, changed\n/)
    const id = await idOf(chat)
    const whole = await service.client.getConversation(id, { branches: true })
    const questions = whole.messages.filter(({ role }) => role === 'user').map(({ text }) => text)
    assert.deepEqual(questions, ['first', 'second', 'second, changed'])
    const { messages } = await service.client.getConversation(id)
    assert.deepEqual(
      messages.filter(({ role }) => role === 'user').map(({ text }) => text),
      ['first', 'second, changed'],
    )
    await chat.leave()
  })

  it('/edit asks nothing when the question stays as it was, or the editor fails', async () => {
    await using chat = await open('echo', { environment: { EDITOR: 'true' } })
    await chat.say('first', /first/)
    await chat.say('/edit', /as it was: nothing is asked/)
    await chat.leave()
    await using other = await open('echo', { environment: { EDITOR: 'false' } })
    await other.say('first', /first/)
    await other.say('/edit', /The editor ended with 1/)
    await other.leave()
  })

  it('/undo goes back, to before the first question too, and says how to return', async () => {
    await using chat = await open('turns')
    await chat.say('one', /turn 1/)
    await chat.say('two', /turn 2/)
    const said = await chat.say('/undo', /Undone: two\n[\s\S]*Back to it: \/open/)
    const [, message = ''] = /\/open ([0-9a-f-]{36})/.exec(said) ?? []
    await chat.say('two again', /turn 2/)
    await chat.say('/undo', /Undone: two again/)
    await chat.say('/undo', /Undone: one/)
    await chat.say('/undo', /Nothing was said yet/)
    await chat.say('/retry', /Nothing was said yet|no answer/)
    await chat.say('one again', /turn 1/)
    await chat.say(`/open ${message}`, /> two\nturn 2/)
    await chat.say('three', /turn 3/)
    await chat.leave()
  })

  it('/copy takes the last answer or a block of code, by what is there', async () => {
    const PATH = `${folder}:${process.env.PATH}`
    await using chat = await open('code', { environment: { DISPLAY: ':0', PATH } })
    await chat.say('/copy', /Nothing was said yet/)
    await chat.say('go', /echo two/)
    await chat.say('/copy', /Copied the answer, 14 lines, \d+ characters: xclip, the terminal/)
    assert.equal(readFileSync(join(folder, 'copied'), 'utf8'), markdown)
    assert.ok(chat.shown.includes(`\u001b]52;c;${Buffer.from(markdown).toString('base64')}\u0007`))
    await chat.say('/copy 2', /Copied code block 2, 1 line, 8 characters/)
    assert.equal(readFileSync(join(folder, 'copied'), 'utf8'), 'print(3)')
    await chat.say('/copy x', /no number x/)
    await chat.say('/copy 3', /has 2 code blocks, and no number 3/)
    await chat.leave()
  })

  it('/history shows what was said, or a list; /open goes on there by number, id or title', async () => {
    await using chat = await open('turns')
    await chat.say('a question about herons', /turn 1/)
    await chat.say('/history', /a question about herons[\s\S]*you:\n[\s\S]*turn 1/)
    const id = await idOf(chat)
    await chat.say('/clear', /A new conversation begins/)
    const list = await chat.say('/history', /\d +20\S+ \S+ +a question about herons \(2 messages\)/)
    const [, number = ''] = /(\d+) +20\S+ \S+ +a question about herons/.exec(list) ?? []
    await chat.say(`/open ${number}`, /2 messages · box\/turns\. The last words:\n> a question about herons\nturn 1/)
    await chat.say('more', /turn 2/)
    await chat.say('/clear', /begins/)
    await chat.say(`/open ${id.slice(0, -2)}`, /turn 2/)
    await chat.say('/open HERONS', /turn 2/)
    await chat.say('/open', /Open one: \/open NUMBER/)
    await chat.say('/open nothing-like-this', /lmapp: /)
    await chat.say('/clear', /begins/)
    await chat.say('also about herons', /turn 1/)
    await chat.say('/open herons', /2 conversations have "herons" in their titles/)
    await chat.say('/history nonsense', /As: \/history list/)
    await chat.leave()
  })

  it('/rename gives another title, and /fork goes on in a copy', async () => {
    await using chat = await open('turns')
    await chat.say('/rename Nothing', /Nothing was said yet/)
    await chat.say('one', /turn 1/)
    const old = await idOf(chat)
    await chat.say('/rename', /The title is empty/)
    await chat.say('/rename A better  title', /now called: A better title/)
    await chat.say('/fork', new RegExp(`You are now in a copy[\\s\\S]*/open[\\s\\S]*${old.slice(-6)}`))
    await chat.say('two', /turn 2/)
    assert.notEqual(await idOf(chat), old)
    assert.equal((await service.client.getConversation(old)).messages.length, 2)
    await chat.leave()
  })

  it('/export writes Markdown or JSON, and asks before it overwrites', async () => {
    await using chat = await open('turns', { columns: 200 })
    await chat.say('Where are the herons?', /turn 1/)
    const path = join(folder, 'inner', 'where-are-the-herons.md')
    await chat.say('/export ~/inner', /Wrote 2 messages to \S*where-are-the-herons\.md/)
    assert.match(readFileSync(path, 'utf8'), /# Where are the herons\?/)
    writeFileSync(path, 'precious')
    chat.type('/export ~/inner\r')
    await chat.see(/Overwrite it\? yes or no\?\n> *$/)
    await chat.say('n', /Nothing was written/)
    assert.equal(readFileSync(path, 'utf8'), 'precious')
    chat.type('/export ~/inner\r')
    await chat.see(/Overwrite it\?[\s\S]*Overwrite it\? yes or no\?\n> *$/)
    await chat.say('yes', /Wrote 2 messages/)
    await chat.say('/export "~/inner/a b.json"', /Wrote/)
    const { conversations } = JSON.parse(readFileSync(join(folder, 'inner', 'a b.json'), 'utf8'))
    assert.equal(conversations[0].messages.length, 2)
    await chat.say('/export ~/no/such/folder.md', /cannot be written \(ENOENT\)/)
    await chat.say('/export one two', /One file is enough/)
    await chat.leave()
  })

  it('/stats counts tokens, times and the context', async () => {
    await using chat = await open('small')
    await chat.say('/stats', /Nothing was said yet/)
    await chat.say('hi', /context 12\/14, 85 % full\n[\s\S]*The context is nearly full\. .*\/compact/)
    await chat.say('/stats', /Messages +2 \(1 answer\)\nModels +box\/small\nTokens in +\d+\nTokens out +\d+[\s\S]*full/)
    await chat.leave()
  })

  it('/set shows, sets and unsets what shapes an answer', async () => {
    await using chat = await open('long', {}, '-o', 'seed=7')
    await chat.say('/set', /temperature +-\n[\s\S]*seed +7\n/)
    await chat.say('/set max_tokens 3', /max_tokens is 3 from now on/)
    await chat.say('go', /cut by the length limit \(3 tokens\)/)
    await chat.say('/set max_tokens', /max_tokens is 3\./)
    await chat.say('/set max_tokens=off', /left to the model/)
    await chat.say('/set max_tokens', /is not set/)
    await chat.say('/set temprature 1', /Did you mean \/set temperature/)
    await chat.say('/set temprature', /Did you mean \/set temperature/)
    await chat.say('/set top_p 2', /\/set top_p takes a number from 0 to 1/)
    await chat.say('/set stop END', /stop is "END"/)
    await chat.leave()
  })

  it('/exit leaves, and /quit; a path is no command', async () => {
    await using chat = await open('echo')
    await chat.say('/usr/share is what?', /\n\/usr\/share is what\?/)
    chat.type('/exit\r')
    assert.equal(await chat.exited, 0)
    await using other = await open('echo')
    other.type('/quit\r')
    assert.equal(await other.exited, 0)
  })
})

describe('a chat that is not saved', () => {
  it('does with a slash what is possible, and says of the rest that it is not', async () => {
    await using chat = await open('turns', {}, '-n')
    await chat.say('/retry', /Nothing was said yet/)
    await chat.say('one', /turn 1/)
    await chat.say('unheard-of', /turn 2/)
    await chat.say('/retry', /turn 2/)
    await chat.say('/edit', /unheard-of, changed\n[\s\S]*turn 2/)
    await chat.say('/undo', /Undone: unheard-of, changed\nNothing of it is kept/)
    await chat.say('/continue', /Nothing of this chat is kept/)
    await chat.say('/fork', /Nothing of this chat is kept/)
    await chat.say('/rename x', /Nothing of this chat is kept/)
    await chat.say('/open', /Nothing of this chat is kept/)
    await chat.say('/history', /one[\s\S]*turn 1/)
    await chat.say('/stats', /Id +not saved/)
    await chat.say('/copy', /Copied the answer/)
    await chat.say('/export ~/unsaved.json', /Wrote 2 messages/)
    await chat.say('/compact', /before it is nothing to\s+summarize/)
    await chat.say('three', /turn 2/)
    await chat.say('/clear', /begins/)
    await chat.say('four', /turn 1/)
    await chat.leave()
    assert.deepEqual(await service.client.search('unheard'), [])
  })
})

describe('Tab', () => {
  it('completes commands, models, files, settings and conversations', async () => {
    await using chat = await open('echo')
    chat.type('/und\t')
    await chat.see(/^> \/undo$/m)
    chat.type('\u0015/model box/tu\t')
    await chat.see(/^> \/model box\/turns$/m)
    chat.type('\u0015/file ~/no\t')
    await chat.see(/^> \/file ~\/notes\\ with\\ a\\ space\.txt$/m)
    chat.type('\u0015/set tempe\t')
    await chat.see(/^> \/set temperature$/m)
    chat.type('\u0015/help exp\t')
    await chat.see(/^> \/help export$/m)
    chat.type('\u0015/history l\t')
    await chat.see(/^> \/history list$/m)
    chat.type('\u0015')
    await chat.say('about ostriches', /ostriches/)
    await chat.say('/clear', /begins/)
    chat.type('/open ostr\t')
    await chat.see(/^> \/open [0-9a-f-]{36}$/m)
    chat.type('\u0015')
    await chat.ready()
    await chat.leave()
  })
})
