import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { openTestService, type TestService } from '../../../testing/test-service.ts'
import { words } from '../../compact/testing/messages.ts'
import { type ChatTerminal, openChat } from '../testing/chat-terminal.ts'

let service: TestService
let engine: Engine

before(async () => {
  engine = await openEngine()
  const off = (type: string) => [type, { type, enabled: false }] as const
  const models = {
    short: { reply: 'Herons and gulls.' },
    turns: { reply: 'turn {turns}' },
    narrow: { reply: 'Noted.', contextLength: 1024 },
    echo: {},
    empty: { reply: '' },
    stuck: { reply: 'one two three four', fault: { kind: 'stall', afterTokens: 3 } },
    breaks: { reply: 'one two three four five six', fault: { kind: 'drop', afterTokens: 3 } },
    long: { reply: 'A bird was seen. ', repeatTokens: 9000, contextLength: 1024, paceMs: 1 },
    tiny: { reply: 'Yes.', contextLength: 300 },
  }
  service = await openTestService(
    {},
    {
      backends: {
        box: { type: 'mock', models },
        web: { type: 'openai-compatible', url: engine.url },
        ...Object.fromEntries(['embedded', 'ollama', 'llama-server', 'lm-studio'].map(off)),
      },
    },
  )
})
after(async () => {
  await service[Symbol.asyncDispose]()
  engine.server.close()
  engine.server.closeAllConnections()
})

async function open(model: string, ...more: string[]): Promise<ChatTerminal> {
  const chat = openChat({
    argv: ['-m', model, ...more],
    environment: { ...service.environment, NO_COLOR: '1' },
    columns: 100,
    rows: 50,
  })
  await chat.ready()
  return chat
}

async function idOf(chat: ChatTerminal): Promise<string> {
  const said = await chat.say('/stats', /Id +[0-9a-f-]{36}/)
  return /Id +([0-9a-f-]{36})/.exec(said)?.[1] ?? ''
}

async function textsOf(id: string): Promise<string[]> {
  return (await service.client.getConversation(id)).messages.map(({ text }) => text)
}

const opening = 'Summarize our conversation so far, so that we can go on from there.'
const birds = `birds ${words(15)}`

describe('/compact', () => {
  it('puts a summary in the place of the oldest turns, and keeps the newest word for word', async () => {
    await using chat = await open('box/short', '-s', 'Be brief.')
    await chat.say('/compact', /Nothing was said yet/)
    for (const name of ['oak', 'elm', 'ash', 'fir']) await chat.say(`${name} ${birds}`, /Herons/)
    const old = await idOf(chat)
    const said = await chat.say(
      '/compact',
      /summarizes 4 messages; the last 4 messages stay word for word\. Ctrl-C[\s\S]*\nHerons and gulls\.\n/,
    )
    assert.match(said, /About \d+ tokens became \d+\. A new conversation/)
    assert.match(said.replaceAll('\n', ' '), new RegExp(`the summary and the last 4 messages\\. .* /open ${old}`))
    assert.doesNotMatch(said, /context/)
    const id = await idOf(chat)
    assert.notEqual(id, old)
    assert.deepEqual(await textsOf(id), [
      opening,
      'Herons and gulls.',
      `ash ${birds}`,
      'Herons and gulls.',
      `fir ${birds}`,
      'Herons and gulls.',
    ])
    assert.equal((await textsOf(old)).length, 8)
    const { system, model, messages } = await service.client.getConversation(id)
    assert.deepEqual([system, model], ['Be brief.', 'box/short'])
    assert.ok(messages.every(({ state }) => state === 'complete'))
    await chat.say('/model box/turns', /From now on/)
    await chat.say('more', /turn 4/)
    await chat.say(`/open ${old}`, /8 messages/)
    await chat.leave()
  })

  it('makes room after a question that did not fit: /retry asks it again', async () => {
    await using chat = await open('box/narrow')
    const old = await fill(chat)
    const said = await chat.say('/compact', /summarizes 8 messages, in up to \d parts; the last question stays/)
    assert.match(said, /The last question has no answer yet\. To ask it again: \/retry/)
    assert.match(said, /About 1,\d00 tokens became \d\d0\./)
    const last = `e ${words(230)}`
    const id = await idOf(chat)
    assert.deepEqual(await textsOf(id), [opening, 'Noted.', last, ''])
    await chat.say('/retry', /\nNoted\./)
    assert.deepEqual(await textsOf(id), [opening, 'Noted.', last, 'Noted.'])
    assert.equal((await textsOf(old)).length, 10)
    await chat.leave()
  })

  it('makes room after a question that did not fit: Up has it still', async () => {
    await using chat = await open('box/narrow')
    await fill(chat)
    await chat.say('/compact', /To ask it again/)
    chat.type('\u001b[A'.repeat(3))
    await chat.see(/\/retry\n> e aaaa bbbb/)
    chat.type('\r')
    await chat.see(/\/retry[\s\S]*\nNoted\.\n/)
    await chat.ready()
    await chat.leave()
  })

  it('takes in the summary of an earlier one', async () => {
    engine.reply = ({ prompt }) => (prompt.includes('Summary of what was said before') ? 'both' : 'FIRST')
    await using chat = await open('web/wide')
    for (const name of ['one', 'two', 'three']) await chat.say(`${name} ${birds}`, /FIRST/)
    await chat.say('/compact', /goes on from the summary/)
    for (const name of ['four', 'five']) await chat.say(`${name} ${birds}`, /FIRST/)
    engine.prompts.length = 0
    await chat.say('/compact', /\nboth\n[\s\S]*goes on from the summary/)
    const [prompt = '', ...others] = engine.prompts
    assert.deepEqual(others, [])
    assert.match(prompt, /before:\n\nFIRST\n\nThe conversation, from there on:\n\nUser: t/)
    assert.ok(!prompt.includes(opening))
    assert.equal((await textsOf(await idOf(chat)))[1], 'both')
    await chat.leave()
  })

  it('summarizes an earlier summary like a text where it has become too long', async () => {
    engine.reply = () => words(300)
    await using chat = await open('web/unlisted')
    for (const name of ['one', 'two']) await chat.say(`${name} ${words(400)}`, /llll/)
    await chat.say('/compact', /goes on from the summary/)
    engine.reply = ({ prompt }) => (prompt.startsWith('Here is') ? 'Trees.' : 'Noted.')
    await chat.say('more', /Noted/)
    await chat.say('/set num_ctx 1024', /1024/)
    engine.prompts.length = 0
    await chat.say('/compact', /\nTrees\.\n[\s\S]*goes on from the summary/)
    const [first = '', second = ''] = engine.prompts
    assert.match(first, /The conversation:\n\nUser: Summarize our[^\n]*\n\nAssistant: aaaa bbbb/)
    assert.match(second, /before:\n\nTrees\.[\s\S]*Assistant \(continued\): /)
    await chat.leave()
  })

  it('reads one huge message in pieces that fit, each with the summary so far', async () => {
    engine.prompts.length = 0
    engine.reply = ({ number }) => `summary ${number}`
    await using chat = await open('web/wide', '-o', 'num_ctx=2048')
    const huge = words(1500, 6)
    chat.type(`\u001b[200~${huge}\u001b[201~\r`)
    await chat.see(/summary 1\n/)
    await chat.ready()
    engine.prompts.length = 0
    await chat.say('and now?', /summary 1/)
    engine.prompts.length = 0
    const said = await chat.say('/compact', /in up to 7 parts; the last 2 messages stay/)
    const { prompts } = engine
    assert.ok(prompts.length > 4, said)
    for (const [index, prompt] of prompts.entries()) {
      assert.ok(prompt.length < 4096, `${prompt.length}`)
      if (index > 0) assert.ok(prompt.includes(`said before:\n\nsummary ${index}\n\n`), prompt)
    }
    const read = prompts.map((prompt) => /:\n\n(?:User|Assistant)[^:]*: ([\s\S]*)\n\nWrite one/.exec(prompt)?.[1])
    assert.ok(read.join(' ').startsWith(huge))
    assert.equal((await textsOf(await idOf(chat)))[1], `summary ${prompts.length}`)
    await chat.leave()
  })

  it('says which part it is at, and that a summary was cut', async () => {
    await using chat = await open('box/narrow')
    await fill(chat)
    await chat.say('/model box/long', /From now/)
    chat.type('/compact\r')
    await chat.see(/^answering · part \d+ of \d+ · \d+0 words/m)
    await chat.see(/The summary was cut by the length limit\. About/)
    await chat.ready()
    const { messages } = await service.client.getConversation(await idOf(chat))
    assert.match(messages[1]?.text ?? '', /^(A bird was seen\. )+A bird was seen\.$/)
    assert.deepEqual([messages[1]?.state, messages[1]?.model], ['length', 'box/long'])
    await chat.leave()
  })

  it('is not cut by the limits of answers', async () => {
    await using chat = await open('box/short', '-o', 'max_tokens=1', '-o', 'stop=gulls')
    for (const name of ['one', 'two']) await chat.say(`${name} ${birds}`, /\nHerons\n/)
    await chat.say('/compact', /\nHerons and gulls\.\n[\s\S]*goes on from the summary/)
    await chat.leave()
  })

  it('works in memory where nothing is saved', async () => {
    await using chat = await open('box/narrow', '-n')
    for (const name of ['a', 'b', 'c', 'd']) await chat.say(`${name} ${words(230)}`, /Noted/)
    await chat.say(`e ${words(230)}`, /the context 1024/)
    await chat.say('/compact', /goes on from the summary and the last 2 messages; what was\nbefore is gone/)
    const history = await chat.say('/history', /./)
    assert.ok(history.includes(opening))
    assert.doesNotMatch(history, /\bc aaaa/)
    await chat.say('/model box/turns', /From now/)
    await chat.say('more', /turn 3/)
    await chat.say('/retry', /turn 3/)
    await chat.leave()
  })

  it('takes smaller pieces where the engine turns out to have less context', async () => {
    engine.reply = () => 'Noted.'
    await using chat = await open('web/liar')
    for (const name of ['a', 'b', 'c', 'd']) await chat.say(`${name} ${words(150)}`, /Noted/)
    engine.mostLetters = 2000
    engine.prompts.length = 0
    await chat.say('/compact', /That did not fit: the context has 1,024 tokens or less[\s\S]*goes on from the summary/)
    assert.ok(engine.prompts.length > 2)
    engine.mostLetters = Number.POSITIVE_INFINITY
    await chat.leave()
  })
})

describe('/compact leaves the conversation as it was', () => {
  async function assertStays(
    model: string,
    said: RegExp,
    compact = (chat: ChatTerminal) => chat.say('/compact', said),
  ) {
    await using chat = await open('box/short', '--no-failover')
    for (const name of ['one', 'two']) await chat.say(`${name} ${birds}`, /Herons/)
    const old = await idOf(chat)
    await chat.say(`/model ${model}`, /From now/)
    const shown = await compact(chat)
    assert.equal(await idOf(chat), old)
    assert.equal((await textsOf(old)).length, 4)
    await chat.leave()
    return shown
  }

  it('when the summary breaks off, or nothing comes', async () => {
    const shown = await assertStays(
      'box/breaks',
      /no whole summary, so the conversation stays as it was: [\s\S]*scripted/,
    )
    assert.match(shown, /\n {2}Try again: \/compact/)
    await assertStays('box/empty', /no whole summary/)
  })

  it('when a later part fails', async () => {
    engine.reply = () => 'Noted.'
    await using chat = await open('web/wide', '-o', 'num_ctx=1024')
    for (const name of ['a', 'b', 'c']) await chat.say(`${name} ${words(150)}`, /Noted/)
    const old = await idOf(chat)
    engine.prompts.length = 0
    engine.reply = ({ number }) => (number === 1 ? 'Noted.' : undefined)
    await chat.say('/compact', /in up to 4 parts[\s\S]*no whole summary, so the conversation stays as it was: /)
    assert.equal(await idOf(chat), old)
    await chat.leave()
  })

  it('after Ctrl-C in the middle', async () => {
    await assertStays('box/stuck', /x/, async (chat) => {
      chat.type('/compact\r')
      await chat.see(/one two three/)
      chat.type('\u0003')
      await chat.see(/Stopped, so the conversation stays as it was\./)
      await chat.ready()
      return ''
    })
  })

  it('when the summary would be no shorter, and where there is nothing before the last question', async () => {
    await using chat = await open('box/echo')
    await chat.say('one', /one/)
    await chat.say('/compact', /last question stays word for word, and before it is nothing/)
    await chat.say('two', /two/)
    await chat.say('/compact', /no shorter than what it stands for/)
    assert.equal((await textsOf(await idOf(chat))).length, 4)
    await chat.leave()
  })

  it('where the context is too short to write a summary in', async () => {
    await using chat = await open('box/tiny')
    for (const name of ['one', 'two']) await chat.say(name, /Yes/)
    await chat.say('/compact', /A context of 300 tokens is too short[\s\S]*\/model/)
    await chat.leave()
  })
})

/** Five questions of 230 words, of which the last does not fit. */
async function fill(chat: ChatTerminal): Promise<string> {
  for (const name of ['a', 'b', 'c', 'd']) await chat.say(`${name} ${words(230)}`, /Noted/)
  await chat.say(
    `e ${words(230)}`,
    /lmapp: The prompt has 1\d\d\d tokens, the context 1024\.\n {2}Shorten it, or raise the context: \/set num_ctx N\n {2}Make room by a summary: \/compact\n/,
  )
  return idOf(chat)
}

interface Engine {
  readonly server: Server
  readonly url: string
  /** The last message of each request. */
  readonly prompts: string[]
  /** Longer ones are refused, as an engine does it. */
  mostLetters: number
  /** Undefined: it fails. */
  reply(question: { prompt: string; number: number }): string | undefined
}

/** An engine on a socket that says how it was asked. */
async function openEngine(): Promise<Engine> {
  const server = createServer((request, response) => void handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const state: Engine = {
    server,
    url: `http://127.0.0.1:${port}/v1`,
    prompts: [],
    mostLetters: Number.POSITIVE_INFINITY,
    reply: () => 'Yes.',
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/v1/models')
      return void response.end(JSON.stringify({ data: [{ id: 'wide' }, { id: 'liar' }] }))
    if (request.url !== '/v1/chat/completions') return void response.writeHead(404).end('{}')
    const chunks = await request.toArray()
    const { messages } = JSON.parse(Buffer.concat(chunks).toString())
    const prompt: string = messages.at(-1).content
    const letters = JSON.stringify(messages).length
    if (letters > state.mostLetters) {
      const message = 'This request exceeds the maximum context length.'
      return void response.writeHead(400).end(JSON.stringify({ error: { message, code: 'context_length_exceeded' } }))
    }
    state.prompts.push(prompt)
    const content = state.reply({ prompt, number: state.prompts.length })
    if (content === undefined) return void response.writeHead(500).end('{}')
    const send = (chunk: object) => response.write(`data: ${JSON.stringify(chunk)}\n\n`)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    send({ choices: [{ delta: { content } }] })
    send({ choices: [{ delta: {}, finish_reason: 'stop' }] })
    response.end('data: [DONE]\n\n')
  }

  return state
}
