import assert from 'node:assert/strict'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { defaultCredit, type FileValue, maxLineBytes, writeFileValue } from 'lmapp-kit'
import { askIsRunning, askUsual, readToEnd, toRequest } from '../ask.ts'
import type { Judge, Proof } from '../judge.ts'
import { assertError, resultOf } from '../wire/answers.ts'
import { show } from '../wire/findings.ts'
import { within } from '../wire/wait.ts'

export const inputProofs = {
  'input.split-character': async (judge) => {
    const wire = await judge.wire()
    const id = '🐟 漢 é'
    let answer: Promise<unknown> = Promise.resolve()
    const line = wire.capture(() => {
      answer = wire.ask('is_running', {}, id).answer
    })
    for (const piece of cutCharacters(line)) {
      wire.write(piece)
      await delay(pauseMs)
    }
    await within(judge.timeouts.healthMs, answer, `answer under the id ${show(id)}`)
  },

  'input.line-separators': async (judge) => {
    const wire = await judge.wire()
    const id = 'one\u2028line\u2029of\u0085text'
    await within(judge.timeouts.healthMs, wire.ask('is_running', {}, id).answer, `answer under the id ${show(id)}`)
  },

  'input.batch': async (judge) => {
    const wire = await judge.wire()
    const request = await toRequest(judge, judge.prompts.question)
    const asked: Promise<unknown>[] = []
    const methods = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? 'is_running' : 'get_info'))
    const bytes = wire.capture(() => {
      for (const method of methods) asked.push(wire.ask(method).answer)
      asked.push(wire.chat(request, defaultCredit, { flows: true }).answer)
      for (const method of methods) asked.push(wire.ask(method).answer)
    })
    wire.write(bytes)
    await within(judge.chatMs, Promise.all(asked), 'answer to each of 41 requests')
  },

  'input.empty-line': async (judge) => {
    const wire = await judge.wire()
    wire.write('\n\n')
    await askIsRunning(judge, wire)
  },

  'input.by-file': async (judge) => {
    const { isSteady, text } = await judge.usual()
    const wire = await judge.wire()
    const content = Buffer.from(JSON.stringify(await toRequest(judge, judge.prompts.question)))
    const file = await writeFileValue(judge.greetingOf(wire).hello.exchangeDir, content)
    const chat = wire.chat(file, defaultCredit, { flows: true })
    await readToEnd(judge, chat)
    if (isSteady) assert.equal(chat.text, text, 'The answer to a request by file differs.')
  },

  'input.file-checked': async (judge) => {
    const wire = await judge.wire()
    const content = Buffer.from(JSON.stringify(await toRequest(judge, judge.prompts.question)))
    const { exchangeDir } = judge.greetingOf(wire).hello
    const right = await writeFileValue(exchangeDir, content)
    const elsewhere = await writeFileValue(judge.options.folder, content)
    const other = right.sha256.replace(/./g, (digit) => (digit === '0' ? '1' : '0'))
    const wrong: [string, FileValue][] = [
      ['of another checksum', { ...right, sha256: other }],
      ['of another size', { ...right, bytes: right.bytes - 1 }],
      ['outside of the exchange folder', elsewhere],
      ['that is not there', { ...right, file: join(exchangeDir, 'nobody') }],
    ]
    for (const [what, file] of wrong) {
      const chat = wire.chat(file, defaultCredit, { flows: true })
      const answer = await within(judge.chatMs, chat.answer, `response to a chat by a file ${what}`)
      assertError(answer, 'protocol-violation', `A chat by a file ${what}`)
    }
    await askUsual(judge, wire)
  },

  'input.no-json': async (judge) => {
    await assertBears(judge, 'this is no JSON\n')
    await assertBears(judge, '{"jsonrpc":"2.0","id":9001,"method":\n')
    await assertBears(judge, `${'['.repeat(100_000)}\n`)
  },

  'input.no-message': async (judge) => {
    for (const value of [[], null, {}, { jsonrpc: '2.0', id: 9001, method: 7 }]) {
      await assertBears(judge, `${JSON.stringify(value)}\n`)
    }
    const deep = `${'{"a":'.repeat(5000)}{}${'}'.repeat(5000)}`
    await assertBears(judge, `{"jsonrpc":"2.0","id":9001,"method":"is_running","params":${deep}}\n`)
  },

  'input.no-utf8': async (judge) => {
    await assertBears(judge, Buffer.from([0xff, 0xfe, 0x0a]))
    const line = Buffer.from('{"jsonrpc":"2.0","id":9001,"method":"is_running","params":{"x":"?"}}\n')
    await assertBears(judge, line.fill(0xff, line.indexOf('?'), line.indexOf('?') + 1))
  },

  'input.too-long': async (judge) => {
    const pad = 'x'.repeat(maxLineBytes + 1024)
    await assertBears(judge, `{"jsonrpc":"2.0","id":9001,"method":"is_running","params":{"pad":"${pad}"}}\n`)
  },
} satisfies Record<string, Proof>

/** Long enough for a piece to be read alone. */
const pauseMs = 25

/** Cuts after the first byte of each character that has several. */
function cutCharacters(line: Buffer): Buffer[] {
  const cuts = [...line.keys()].filter((at) => (line[at] ?? 0) >= 0xc0).map((at) => at + 1)
  return [0, ...cuts].map((from, index) => line.subarray(from, cuts[index] ?? line.length))
}

/** It goes on, or ends and says why on stderr. */
async function assertBears(judge: Judge, bytes: string | Uint8Array): Promise<void> {
  const wire = await judge.wire()
  wire.attack(bytes)
  const what = `After the line ${show(
    Buffer.from(bytes as string)
      .subarray(0, 60)
      .toString()
      .trim(),
  )}`
  const ended = Symbol('ended')
  const { healthMs, exitMs } = judge.timeouts
  const health = wire.ask('is_running').answer.catch(async () => {
    await within(exitMs, wire.ended, 'end of the process')
    return ended
  })
  const answer = await within(healthMs + exitMs, health, 'answer to is_running').catch(() => undefined)
  assert.ok(answer !== undefined, `${what} it neither answers is_running nor ends.`)
  if (typeof answer !== 'symbol') {
    resultOf(answer, `${what} is_running`)
    return
  }
  const { stderr, exitCode } = await wire.ended
  assert.ok(
    stderr.some((line) => line.trim() !== ''),
    `${what} it ended (exit code ${exitCode}) without a word on stderr.`,
  )
}
