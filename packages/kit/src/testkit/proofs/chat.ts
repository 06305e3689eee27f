import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { ask, askTwice, assertFinish, type Proof, type ProofContext, toMessage, toRequest } from '../proof.ts'
import { finishOf, readChat } from '../read-chat.ts'

export const chatProofs = {
  'chat.one-finish': async (context) => {
    finishOf(await ask(context, context.prompts.question))
  },

  'chat.finish-last': async (context) => {
    const { parts } = await ask(context, context.prompts.question)
    const finish = parts.findIndex((part) => part.type === 'finish')
    assert.ok(finish >= 0, 'The chat ended without a finish part.')
    assert.deepEqual(
      parts.slice(finish + 1).map((part) => part.type),
      [],
      'There are parts after the finish.',
    )
  },

  'chat.several-deltas': async (context) => {
    const { deltas } = await ask(context, context.prompts.question)
    assert.ok(deltas.length >= 2, `The text came in ${deltas.length} deltas.`)
  },

  'chat.usage': async (context) => {
    const transcript = await ask(context, context.prompts.question)
    const { inputTokens, outputTokens, cachedTokens = 0, reasoningTokens = 0 } = finishOf(transcript).usage
    assert.ok(isCount(inputTokens) && inputTokens >= 1, `inputTokens is ${inputTokens}.`)
    assert.ok(isCount(outputTokens) && outputTokens >= 1, `outputTokens is ${outputTokens}.`)
    assert.ok(
      isCount(cachedTokens) && cachedTokens <= inputTokens,
      `cachedTokens is ${cachedTokens} of ${inputTokens}.`,
    )
    assert.ok(isCount(reasoningTokens) && reasoningTokens <= outputTokens, `reasoningTokens is ${reasoningTokens}.`)
  },

  'chat.usage-grows': async (context) => {
    const short = context.prompts.question
    await assertReadsMore(context, toRequest(context, short), toRequest(context, `${short} `.repeat(8).trim()))
  },

  'chat.natural-end': async (context) => {
    const { prompts } = context
    assertFinish(await ask(context, prompts.short, { options: { maxTokens: 2048 } }), 'stop')
  },

  'chat.max-tokens': async (context) => {
    const transcript = await ask(context, context.prompts.question, { options: { maxTokens: 7 } })
    assertFinish(transcript, 'length')
    const { usage } = finishOf(transcript)
    assert.ok(usage.outputTokens !== undefined && usage.outputTokens <= 7, `It wrote ${usage.outputTokens} tokens.`)
  },

  'chat.stop-sequence': async (context) => {
    const { text } = await askTwice(context, context.prompts.question)
    const stop = toStopSequence(text)
    const stopped = await ask(context, context.prompts.question, { options: { stop: [stop] } })
    assert.equal(
      stopped.text,
      text.slice(0, text.indexOf(stop)),
      `The answer does not end before ${JSON.stringify(stop)}.`,
    )
    assertFinish(stopped, 'stop')
  },

  'chat.side-by-side': async (context) => {
    const questions = [context.prompts.question, ...context.prompts.others]
    const alone: string[] = []
    for (const question of questions) alone.push((await askTwice(context, question)).text)
    const together = await Promise.all(questions.map((question) => ask(context, question)))
    for (const [index, { text }] of together.entries()) {
      const own = sharedLength(text, alone[index] ?? '')
      const most = Math.max(...alone.map((answer) => sharedLength(text, answer)))
      assert.equal(own, most, `Chat ${index} was given the answer of another one.`)
      assert.ok(own >= Math.min(16, text.length), `Chat ${index} was given another answer than alone.`)
    }
  },

  'chat.slow-reader': async (context) => {
    const { text } = await askTwice(context, context.prompts.question)
    const chat = context.backend.chat(toRequest(context, context.prompts.question), { signal: context.signal })
    const slowly = await readChat(chat, async () => {
      for (let turn = 0; turn < 5; turn += 1) await nextTurn()
    })
    assert.equal(slowly.text, text, 'The slow reader was given another text.')
  },

  'chat.system': async (context) => {
    const asked = toRequest(context, context.prompts.question)
    // Longer than what a template may put there by itself when no system message is given.
    const sailor = 'You are a friendly sailor. Answer in few words. '.repeat(8)
    const messages = [toMessage('system', sailor), ...asked.messages]
    await assertReadsMore(context, asked, { ...asked, messages })
  },

  'chat.turns': async (context) => {
    const asked = toRequest(context, context.prompts.question)
    const before = [toMessage('user', 'My name is Ada.'), toMessage('assistant', 'Hello Ada, how can I help you?')]
    await assertReadsMore(context, asked, { ...asked, messages: [...before, ...asked.messages] })
  },

  'chat.file': async (context) => {
    const asked = toRequest(context, context.prompts.question)
    const text = 'The harbour is closed on Monday.\n'.repeat(4)
    const file = { type: 'file' as const, name: 'notes.txt', mediaType: 'text/plain', text }
    await assertReadsMore(context, asked, {
      ...asked,
      messages: [toMessage('user', context.prompts.question, file)],
    })
  },

  'chat.settings': async (context) => {
    const options = { temperature: 0.7, topP: 0.9, seed: 7, maxTokens: 16 }
    const transcript = await ask(context, context.prompts.question, { options })
    assert.notEqual(transcript.text, '', 'There is no answer.')
    finishOf(transcript)
  },

  'chat.unsupported-setting': async (context) => {
    const { name, options } = context.harness.unsupportedSetting ?? { name: 'topK', options: {} }
    const { warnings } = await ask(context, context.prompts.question, { options })
    const named = warnings.some(({ code, setting }) => code === 'unsupported-setting' && setting === `options.${name}`)
    assert.ok(named, `No warning names options.${name}.`)
  },
} satisfies Record<string, Proof>

type Request = Parameters<ProofContext['backend']['chat']>[0]

async function assertReadsMore(context: ProofContext, less: Request, more: Request): Promise<void> {
  const counts: number[] = []
  for (const request of [less, more]) {
    const transcript = await readChat(context.backend.chat(request, { signal: context.signal }))
    assert.notEqual(transcript.text, '', 'There is no answer.')
    counts.push(finishOf(transcript).usage.inputTokens ?? 0)
  }
  const [before = 0, after = 0] = counts
  assert.ok(after > before, `It read ${after} tokens, and ${before} without what was added.`)
}

/** Some characters on both sides of a space in the middle, which no engine has as one token. */
function toStopSequence(text: string): string {
  const space = text.indexOf(' ', Math.floor(text.length / 3))
  assert.ok(space > 2, `The answer is too short to be cut: ${JSON.stringify(text)}.`)
  return text.slice(space - 2, space + 2)
}

function sharedLength(left: string, right: string): number {
  let length = 0
  while (length < left.length && left[length] === right[length]) length += 1
  return length
}

function isCount(value: number | undefined): value is number {
  return value !== undefined && Number.isInteger(value) && value >= 0
}
