import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { openTestService, type TestService } from '../../testing/test-service.ts'
import { openChat } from './testing/chat-terminal.ts'

let service: TestService

before(async () => {
  service = await openTestService(
    {
      echo: {},
      turns: { reply: 'turn {turns}' },
      slow: { reply: 'word ', repeatTokens: 2000, paceMs: 10 },
      drop: { reply: 'one two three four five six', fault: { kind: 'drop', afterTokens: 3, times: 1 } },
      markdown: { reply: '# Herons\n\nThey **wait**.\n\n```js\nconst one = 1\n```\n\n1. one\n2. two\n' },
      thinks: { reply: 'The answer.', reasoningText: 'Let me think.' },
      loads: { reply: 'There.', load: { steps: 4, stepMs: 1 } },
      breaks: { reply: 'one two three four five six', fault: { kind: 'drop', afterTokens: 3 } },
      whole: { reply: 'one two three four five six' },
    },
    { aliases: { both: ['box/breaks', 'box/whole'] }, model: 'box/echo' },
  )
})
after(() => service[Symbol.asyncDispose]())

interface Opened {
  environment?: NodeJS.ProcessEnv
  columns?: number
  prompt?: string
}

function open(argv: readonly string[], { environment = {}, columns = 80, prompt = '>' }: Opened = {}) {
  const all = { ...service.environment, NO_COLOR: '1', ...environment }
  return openChat({ argv, environment: all, columns, rows: 50 }, prompt)
}

async function openReady(argv: readonly string[], opened: Opened = {}) {
  const chat = open(argv, opened)
  await chat.ready()
  return chat
}

describe('the interactive chat', () => {
  it('asks and answers in one conversation until Ctrl-D', async () => {
    await using chat = await openReady(['-m', 'box/turns'])
    await chat.say('hello', /turn 1\nbox\/turns · \d+ token/)
    await chat.say('again', /turn 2/)
    await chat.leave()
  })

  it('goes on in the conversation before with -c, and leaves by a word', async () => {
    await using chat = await openReady(['-c', '-m', 'box/turns', '-q'])
    await chat.say('hello', /turn 3/)
    chat.type('exit\r')
    assert.equal(await chat.exited, 0)
    await using again = await openReady(['-c'])
    assert.match(again.text, /\nhello\n6 messages · box\/turns\. The last words:\n> hello\nturn 3\n/)
    await again.leave()
  })

  it('names the model that will answer where that is known', async () => {
    await using named = await openReady(['-m', 'box/turns'])
    assert.match(named.text, /^lmapp \S+ · box\/turns · \/help · Ctrl-D leaves\n/)
    await named.leave()
    await using configured = await openReady([])
    assert.match(configured.text, /^lmapp \S+ · box\/echo · /)
    await configured.leave()
  })

  it('renders Markdown, and keeps its marks only where nothing else can show them', async () => {
    await using chat = await openReady(['-m', 'box/markdown'])
    await chat.say('go', /# Herons\n\nThey \*\*wait\*\*\.\n\n[\s\S]*const one = 1\n[\s\S]*\n1\. one\n2\. two\n/)
    await chat.leave()
    await using colored = await openReady(['-m', 'box/markdown'], { environment: { NO_COLOR: '' } })
    await colored.say('go', /\nHerons\n\nThey wait\.\n\njs\n *const one = 1\n\n1\. one\n2\. two\nbox\/markdown/)
    assert.ok(colored.shown.includes('\u001b[1mwait'))
    await colored.leave()
  })

  it('shows the thoughts above the answer, and the phases before it', async () => {
    await using chat = await openReady(['-m', 'box/thinks'])
    await chat.say('go', /\nLet me think\.\n\nThe answer\.\nbox\/thinks/)
    await chat.leave()
    await using other = await openReady(['-m', 'box/loads'])
    await other.say('go', /> go\nThere\.\nbox\/loads/)
    assert.match(other.shown, /loading the model/)
    await other.leave()
  })

  it('says on a row of its own that another model carries on', async () => {
    await using chat = await openReady(['-m', 'both'])
    await chat.say('go', /\nlmapp: box\/breaks failed: .*[\s\S]* carries on\.\none two three four five six\nbox\/whole/)
    await chat.leave()
  })

  it('keeps pasted lines one message, and lines by Ctrl-J, and between quotes', async () => {
    await using chat = await openReady(['-m', 'box/echo'])
    chat.type('\u001b[200~one\ntwo\n\u001b[201~')
    await chat.see(/> one\n {2}two/)
    await chat.say('', /\none two\n|\none\ntwo\n/)
    chat.type('three\nfour')
    await chat.see(/> three\n {2}four/)
    await chat.say('', /three\s+four\nbox/)
    chat.type('"""\rfive\r')
    await chat.see(/five\n/)
    await chat.say('six"""', /five\s+six\nbox/)
    await chat.leave()
  })

  it('stops an answer with Ctrl-C or Escape, keeps it, and goes on with it', async () => {
    await using chat = await openReady(['-m', 'box/slow'])
    chat.type('go\r')
    await chat.see(/word word/)
    chat.type('\u0003')
    await chat.see(/stopped; what arrived is kept\. Go on with it: \/continue/)
    await chat.ready()
    chat.type('/continue\r')
    await chat.see(/\/continue\n… [\s\S]*\nword word/)
    chat.type('\u001b')
    await chat.see(/stopped[\s\S]*stopped/)
    await chat.ready()
    await chat.leave()
  })

  it('hints at the first Ctrl-C on an empty line, and leaves at the second', async () => {
    await using chat = await openReady(['-m', 'box/echo'])
    chat.type('half a line')
    await chat.see(/> half a line/)
    chat.type('\u0003')
    await chat.ready()
    chat.type('\u0003')
    await chat.see(/Ctrl-C again/)
    chat.type('\u0003')
    assert.equal(await chat.exited, 0)
  })

  it('is not ended by an engine that fails', async () => {
    await using chat = await openReady(['-m', 'box/drop', '--no-failover'])
    await chat.say('count', /one two three\nlmapp: [\s\S]*Go on with it: \/continue\n/)
    await chat.say('/model box/nobody', /box\/nobody is not in the list of models/)
    await chat.say('hello?', /lmapp: The mock has no model/)
    await chat.say('/model box/drop', /From now on/)
    await chat.say('/undo', /hello\?/)
    await chat.say('/retry', /one two three four five six/)
    await chat.leave()
  })

  it('recalls by Up what was typed before, also in another chat', async () => {
    await using chat = await openReady(['-m', 'box/echo'])
    await chat.say('remember me', /\nremember me\n/)
    await chat.leave()
    await using next = await openReady(['-m', 'box/echo'])
    next.type('\u001b[A')
    await next.see(/> remember me/)
    await next.say('', /\nremember me\nbox/)
    await next.leave()
  })

  it('keeps what is typed while an answer comes, and before it is there', async () => {
    await using chat = open(['-m', 'box/slow', '-o', 'max_tokens=30'])
    chat.type('go\r')
    await chat.see(/word/)
    chat.type('/system\r')
    await chat.see(/> \/system\nThere is no system prompt/)
    await chat.ready()
    await chat.leave()
  })

  it('opens the editor with Ctrl-G', async () => {
    const editor = join(service.home, 'editor')
    writeFileSync(editor, '#!/bin/sh\nprintf "%s edited\\nin lines\\n" "$(cat "$1")" > "$1.new" && mv "$1.new" "$1"\n')
    chmodSync(editor, 0o755)
    await using chat = await openReady(['-m', 'box/echo'], { environment: { EDITOR: editor } })
    chat.type('draft')
    await chat.see(/> draft/)
    chat.type('\u0007')
    await chat.see(/draft edited\n {2}in lines/)
    await chat.say('', /draft edited\s+in lines\nbox/)
    await chat.leave()
  })

  it('writes nothing with --no-save', async () => {
    await using chat = await openReady(['-n', '-m', 'box/echo'])
    await chat.say('secret words', /\nsecret words\nbox/)
    await chat.leave()
    assert.deepEqual(await service.client.search('secret'), [])
  })

  it('stays within 40 columns', async () => {
    await using chat = await openReady(['-m', 'box/echo'], { columns: 40 })
    const said = await chat.say('a question that is longer than the terminal is wide', /box\/echo/)
    for (const line of said.split('\n')) assert.ok(line.length <= 40, line)
    await chat.leave()
  })
})

describe('a terminal that can do less', () => {
  it('is told so when it is dumb, and gets text without escape sequences', async () => {
    await using chat = await openReady(['-m', 'box/markdown'], { environment: { TERM: 'dumb' } })
    assert.match(chat.text, /cannot move the cursor/)
    chat.type('hello\n')
    await chat.see(/\n# Herons\n[\s\S]*\nbox\/markdown/)
    await chat.ready()
    assert.ok(!chat.shown.includes('\u001b'))
    chat.type('\u0003')
    await chat.see(/Ctrl-C again/)
    await chat.ready()
    await chat.leave()
  })

  it('draws nothing twice with --plain, and says who speaks', async () => {
    await using chat = await openReady(['-m', 'box/loads', '--plain'], { prompt: 'You:' })
    chat.type('hello\n')
    await chat.see(/\nbox\/loads:\nThere\.\nbox\/loads · /)
    await chat.ready()
    assert.match(chat.text, /\n(lmapp: loading the model\n)?box\/loads:/)
    assert.ok(!chat.shown.includes('\u001b'))
    assert.doesNotMatch(chat.shown, /\r[^\r\n]/)
    await chat.leave()
  })

  it('does so too where the configuration says it', async () => {
    const file = join(service.home, 'plain.json')
    writeFileSync(file, '{ "chat": { "plain": true } }')
    const other = { ...service.environment, LMAPP_CONFIG: file }
    await using chat = await openReady(['-q', '-m', 'box/echo'], { environment: other, prompt: 'You:' })
    await chat.leave()
  })
})

describe('one answer on a terminal', () => {
  it('is Markdown too, and with --plain without its marks', async () => {
    await using chat = open(['-m', 'box/markdown', '-q', 'go'], { environment: { NO_COLOR: '' } })
    assert.equal(await chat.exited, 0)
    assert.match(chat.text, /^Herons\n\nThey wait\.\n\njs\n *const one = 1\n\n1\. one\n2\. two\n?$/)
    await using plain = open(['-m', 'box/markdown', '-q', '--plain', 'go'])
    assert.equal(await plain.exited, 0)
    assert.ok(!plain.shown.includes('\u001b'))
    assert.match(plain.text, /^Herons\n\nThey wait\.\n/)
  })

  it('is only the code with -x', async () => {
    await using chat = open(['-m', 'box/markdown', '-q', '-x', 'go'])
    assert.equal(await chat.exited, 0)
    assert.equal(chat.text.trimEnd(), 'const one = 1')
  })
})
