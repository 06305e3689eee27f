import assert from 'node:assert/strict'
import type { Backend, PullProgress } from '../../backend.ts'
import {
  assertCode,
  assertRejects,
  codeOf,
  missingModel,
  type Proof,
  type ProofContext,
  toMessage,
  toRequest,
} from '../proof.ts'
import { finishOf, readChat } from '../read-chat.ts'
import { weatherTool } from './abilities.ts'
import { assertProgress } from './parts.ts'

export const embedProofs = {
  'embed.vectors': async (context) => {
    const { vectors } = await embed(context, ['The sea is wide.', 'Bread is baked in an oven, slowly.', 'Hi'])
    assert.equal(vectors.length, 3)
    assert.equal(new Set(vectors.map((vector) => vector.length)).size, 1, 'The vectors differ in length.')
    for (const vector of vectors) {
      assert.ok(vector.length > 0, 'A vector is empty.')
      assert.ok(vector.every(Number.isFinite), 'A vector holds what is no number.')
    }
  },

  'embed.same': async (context) => {
    const [first, again, other] = (await embed(context, ['The sea.', 'The sea.', 'A hammer.'])).vectors
    assert.ok(first && again && other, 'A vector is missing.')
    assert.ok(cosine(first, again) > 0.999, 'The same text has two vectors.')
    assert.ok(cosine(first, other) < 0.9999, 'Two texts have the same vector.')
  },

  'embed.declined': async ({ backend, model }) => assertNoMethod(() => backend.embed?.({ model, input: ['The sea.'] })),
} satisfies Record<string, Proof>

export const countProofs = {
  'count-tokens.grows': async (context) => {
    const few = await count(context, 'The sea.')
    const many = await count(context, 'The sea is wide, and deep, and full of fish. '.repeat(10))
    assert.ok(few.tokens >= 1, `It counts ${few.tokens} tokens.`)
    assert.ok(many.tokens > few.tokens, `It counts ${many.tokens} tokens, and ${few.tokens} for much less text.`)
  },

  'count-tokens.exact': async (context) => {
    const { tokens, exact } = await count(context, context.prompts.question)
    if (!exact) return
    const request = toRequest(context, context.prompts.question)
    const { usage } = finishOf(await readChat(context.backend.chat(request, { signal: context.signal })))
    assert.equal(tokens, usage.inputTokens, `It counts ${tokens} tokens, and reads ${usage.inputTokens}.`)
  },

  'count-tokens.tools': async (context) => {
    const { backend, signal } = context
    const request = toRequest(context, context.prompts.tool, { tools: [weatherTool] })
    const { model, messages } = request
    const asking = backend.countTokens?.({ model, messages, tools: [weatherTool] }, { signal })
    const counted = await asking?.catch((error: unknown) => assertCode(error, ['unsupported']))
    if (!counted) return
    const { tokens } = await count(context, context.prompts.tool)
    assert.ok(counted.tokens > tokens, `It counts ${counted.tokens} tokens, and ${tokens} without the tool.`)
    if (!counted.exact) return
    const { inputTokens } = finishOf(await readChat(backend.chat(request, { signal }))).usage
    assert.equal(counted.tokens, inputTokens, `It counts ${counted.tokens} tokens, and reads ${inputTokens}.`)
  },

  'count-tokens.declined': async ({ backend, model }) =>
    assertNoMethod(() => backend.countTokens?.({ model, messages: [toMessage('user', 'The sea.')] })),
} satisfies Record<string, Proof>

export const loadProofs = {
  'load.ready': async ({ backend, model }) => {
    await backend.loadModel?.(model)
    assert.equal(await stateOf(backend, model), 'ready', 'Health does not show it as ready.')
  },

  'load.not-found': async ({ backend }) =>
    assertRejects(async () => backend.loadModel?.(missingModel), ['model-not-found']),

  'load.declined': async ({ backend, model }) => assertNoMethod(() => backend.loadModel?.(model)),

  'unload.gone': async ({ backend, model }) => {
    await backend.loadModel?.(model)
    await backend.unloadModel?.(model)
    assert.notEqual(await stateOf(backend, model), 'ready', 'Health still shows it as ready.')
  },

  'unload.declined': async ({ backend, model }) => assertNoMethod(() => backend.unloadModel?.(model)),
} satisfies Record<string, Proof>

export const pullProofs = {
  'pull.done': async (context) => {
    const { backend } = context
    const model = pullable(context)
    try {
      const steps = await pull(backend, model, context.signal)
      for (const { progress } of steps) if (progress) assertProgress(progress)
      assert.deepEqual(
        steps.map(({ done }) => done ?? false),
        steps.map((_, index) => index === steps.length - 1),
        'Not exactly the last step says done.',
      )
      assert.ok(await isListed(backend, model), `${model} is not listed.`)
    } finally {
      await backend.removeModel?.(model)
    }
  },

  'pull.not-found': async ({ backend, signal }) => assertRejects(() => pull(backend, missingModel, signal)),

  'pull.cancelled': async (context) => {
    const { backend } = context
    const model = pullable(context)
    await assertRejects(() => pull(backend, model, AbortSignal.abort()), ['cancelled'])
    assert.ok(!(await isListed(backend, model)), `${model} is listed.`)
  },

  'pull.declined': async ({ backend, model, signal }) =>
    assertNoMethod(() => backend.pullModel && pull(backend, model, signal)),

  'remove.gone': async (context) => {
    const { backend } = context
    const model = pullable(context)
    await pull(backend, model, context.signal)
    await backend.removeModel?.(model)
    assert.ok(!(await isListed(backend, model)), `${model} is still listed.`)
  },

  'remove.not-found': async ({ backend }) =>
    assertRejects(async () => backend.removeModel?.(missingModel), ['model-not-found']),

  'remove.declined': async ({ backend }) => assertNoMethod(() => backend.removeModel?.(missingModel)),
} satisfies Record<string, Proof>

/** It is not there, or rejects with `unsupported`. */
async function assertNoMethod(call: () => Promise<unknown> | undefined): Promise<void> {
  let absent = false
  const calling = async () => {
    const called = call()
    absent = called === undefined
    if (absent) return
    await called
  }
  const error = await calling().then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (absent) return
  assert.ok(error !== undefined, 'It succeeded, though its capability is no.')
  const code = codeOf(error)
  assert.ok(code === 'unsupported' || code === 'method-not-found', `It threw ${code}.`)
}

async function embed({ backend, model, signal }: ProofContext, input: string[]) {
  assert.ok(backend.embed, 'The method is missing.')
  return backend.embed({ model, input }, { signal })
}

async function count({ backend, model, signal }: ProofContext, text: string) {
  assert.ok(backend.countTokens, 'The method is missing.')
  return backend.countTokens({ model, messages: [toMessage('user', text)] }, { signal })
}

async function pull(backend: Backend, model: string, signal: AbortSignal): Promise<PullProgress[]> {
  assert.ok(backend.pullModel, 'The method is missing.')
  return Array.fromAsync(backend.pullModel(model, { signal }))
}

function pullable({ harness }: ProofContext): string {
  assert.ok(harness.pullableModel)
  return harness.pullableModel
}

async function isListed(backend: Backend, model: string): Promise<boolean> {
  return (await backend.listModels()).some(({ id }) => id === model)
}

async function stateOf(backend: Backend, model: string): Promise<string> {
  return (await backend.isRunning()).models.find(({ id }) => id === model)?.state ?? 'absent'
}

function cosine(left: Float32Array, right: Float32Array): number {
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0)
  return dot(left, right) / Math.sqrt(dot(left, left) * dot(right, right))
}
