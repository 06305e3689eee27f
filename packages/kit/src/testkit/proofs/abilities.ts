import assert from 'node:assert/strict'
import type { ToolDefinition } from '../../chat-request.ts'
import type { ImageContent } from '../../content.ts'
import type { TokenProbability } from '../../part.ts'
import { ask, assertCode, assertDeclined, assertFinish, type Proof, toMessage, toRequest } from '../proof.ts'
import { finishOf, readChat, tryChat } from '../read-chat.ts'

export const toolProofs = {
  'tools.call': async (context) => {
    const transcript = await ask(context, context.prompts.tool, withTools)
    const { toolCalls } = transcript
    assert.notEqual(toolCalls.length, 0, 'No tool was called.')
    for (const call of toolCalls) {
      assert.equal(call.name, weatherTool.name, `It calls ${call.name}, which was not given.`)
      assert.equal(typeof call.arguments, 'string')
    }
    const ids = toolCalls.map(({ id }) => id)
    assert.ok(ids.every(Boolean), 'A call has no id.')
    assert.deepEqual(ids, [...new Set(ids)], 'Two calls have one id.')
    assertFinish(transcript, 'tool-calls')
  },

  'tools.result': async (context) => {
    const call = { id: 'call-1', name: weatherTool.name }
    const asked = toRequest(context, context.prompts.tool, withTools)
    const transcript = await readChat(
      context.backend.chat(
        {
          ...asked,
          messages: [
            ...asked.messages,
            { role: 'assistant', content: [{ type: 'tool-call', ...call, arguments: '{"city":"Paris"}' }] },
            { role: 'tool', content: [{ type: 'tool-result', ...call, text: 'Sunny, 24 degrees.' }] },
          ],
        },
        { signal: context.signal },
      ),
    )
    assert.ok(transcript.text !== '' || transcript.toolCalls.length > 0, 'The result was not answered.')
    finishOf(transcript)
  },

  'tools.none': async (context) => {
    const { toolCalls } = await ask(context, context.prompts.tool, { ...withTools, toolChoice: 'none' })
    assert.equal(toolCalls.length, 0, 'A tool was called.')
  },

  'tools.declined': async (context) => assertDeclined(context, toRequest(context, context.prompts.tool, withTools)),
} satisfies Record<string, Proof>

export const schemaProofs = {
  'json-schema.obeyed': async (context) => {
    const transcript = await ask(context, personPrompt, { schema: personSchema, options: { maxTokens: 256 } })
    const value: unknown = JSON.parse(transcript.text)
    assert.ok(typeof value === 'object' && value !== null, 'The answer is no object.')
    assert.ok('name' in value && typeof value.name === 'string', 'The answer has no name.')
    assert.ok('age' in value && Number.isInteger(value.age), 'The answer has no age.')
  },

  'json-schema.declined': async (context) =>
    assertDeclined(context, toRequest(context, personPrompt, { schema: personSchema })),
} satisfies Record<string, Proof>

export const visionProofs = {
  'vision.read': async (context) => {
    const without = await ask(context, imagePrompt)
    const seen = await ask(context, imagePrompt, { messages: [toMessage('user', imagePrompt, redSquare)] })
    assert.notEqual(seen.text, '', 'The image was not answered.')
    const [before = 0, after = 0] = [without, seen].map((transcript) => finishOf(transcript).usage.inputTokens)
    assert.ok(after > before, `It read ${after} tokens, and ${before} without the image.`)
  },

  'vision.declined': async (context) =>
    assertDeclined(context, toRequest(context, imagePrompt, { messages: [toMessage('user', imagePrompt, redSquare)] })),
} satisfies Record<string, Proof>

export const reasoningProofs = {
  'reasoning.apart': async (context) => {
    const options = { maxTokens: 1024 }
    const transcript = await ask(context, context.prompts.question, { reasoning: true, options })
    assert.notEqual(transcript.reasoning, '', 'There is no thought.')
    assert.ok(!/<\/?think/i.test(transcript.text), 'A mark of thinking is in the text.')
  },

  'reasoning.off': async (context) => {
    const { reasoning, warnings } = await ask(context, context.prompts.question, { reasoning: false })
    assert.ok(reasoning === '' || warnings.length > 0, 'It thinks nevertheless, and does not say so.')
  },

  'reasoning.declined': async (context) =>
    assertDeclined(context, toRequest(context, context.prompts.question, { reasoning: true })),
} satisfies Record<string, Proof>

export const logprobProofs = {
  'logprobs.told': async (context) => {
    for (const most of [3, 0]) {
      const transcript = await ask(context, context.prompts.question, { options: { logprobs: most, maxTokens: 12 } })
      const deltas = transcript.parts.flatMap((part) => (part.type === 'text-delta' ? [part] : []))
      const tokens = deltas.flatMap(({ logprobs = [] }) => logprobs)
      assert.ok(tokens.length > 0, 'No text came with log probabilities.')
      for (const token of tokens) assertProbability(token, most)
      assertTokensOf(tokens.map(({ token }) => token).join(''), transcript.text)
    }
  },

  'logprobs.declined': async (context) => {
    const request = toRequest(context, context.prompts.question, { options: { logprobs: 1 } })
    const { transcript, error } = await tryChat(context.backend.chat(request, { signal: context.signal }))
    if (error !== undefined) return assertCode(error, ['unsupported'])
    const named = transcript.warnings.some(({ setting }) => setting === 'options.logprobs')
    assert.ok(named, 'No warning names options.logprobs.')
  },
} satisfies Record<string, Proof>

function assertProbability({ token, logprob, top = [] }: TokenProbability, most: number): void {
  const told = JSON.stringify({ token, logprob, top })
  for (const each of [{ token, logprob }, ...top]) {
    assert.equal(typeof each.token, 'string', `A token is no text: ${told}`)
    assert.ok(Number.isFinite(each.logprob) && each.logprob <= 0, `No logarithm of a probability: ${told}`)
  }
  assert.ok(top.length <= most, `More alternatives than ${most}: ${told}`)
  const best = top.map((other) => other.logprob)
  assert.deepEqual(
    best,
    best.toSorted((one, other) => other - one),
    `Not the best first: ${told}`,
  )
}

/** A token may be a part of a character that has no text of its own; those of plain text are that text. */
function assertTokensOf(tokens: string, text: string): void {
  if (!/^[\x20-\x7e\s]*$/.test(text)) return
  assert.ok(tokens.includes(text), `The tokens are ${JSON.stringify(tokens)}, and the text ${JSON.stringify(text)}.`)
}

export const weatherTool: ToolDefinition = {
  name: 'get_weather',
  description: 'The weather in a city, now.',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
}

const withTools = { tools: [weatherTool], options: { maxTokens: 256 } }

const personPrompt = 'Describe a person as JSON, with name and age.'
const personSchema = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer', minimum: 1 } },
  required: ['name', 'age'],
  additionalProperties: false,
}

const imagePrompt = 'What is in the picture?'
/** A PNG of 32 by 32 red pixels. */
const redSquare: ImageContent = {
  type: 'image',
  mediaType: 'image/png',
  data: 'iVBORw0KGgoAAAANSUhEUgAAACAAAAAgCAIAAAD8GO2jAAAAJ0lEQVR42u3NsQkAAAjAsP7/tF7hIASyp6lTCQQCgUAgEAgEgi/BAjLD/C5w/SM9AAAAAElFTkSuQmCC',
}
