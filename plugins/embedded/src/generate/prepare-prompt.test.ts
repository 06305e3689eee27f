import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Content, Message } from 'lmapp-kit'
import { type LoadedModel, loadModel } from '../engine/loaded-model.ts'
import { modelPath, user } from '../fixtures/real-model.ts'
import { createModelFolder } from '../models/model-folder.ts'
import { openRuntime } from '../runtime/open-runtime.ts'
import { preparePrompt } from './prepare-prompt.ts'

let plain: LoadedModel

before(async () => {
  const runtime = await openRuntime({ threads: 2, log: () => {} })
  const file = await createModelFolder({ models: { smol: modelPath }, log: () => {} }).find('smol')
  const onProgress = () => {}
  const { signal } = new AbortController()
  const memory = { makeRoom: async () => false, availableBytes: async () => 0 }
  plain = await loadModel(runtime, file, { parallel: 1, ...memory, onProgress, signal })
})
after(() => plain[Symbol.asyncDispose]())

function withTemplate(text: string): LoadedModel {
  return { ...plain, template: plain.runtime.parseTemplate(text), templateText: text }
}

const thinking = "{% for m in messages %}{{ m.content + '|' }}{% endfor %}<think>\n"
const switched = `{% if enable_thinking %}{% endif %}${thinking}`

function partial(...content: Content[]): Message {
  return { role: 'assistant', content }
}

const thought = { type: 'reasoning' as const, text: 'Two and' }
const said = { type: 'text' as const, text: 'Four' }

async function rawOf(loaded: LoadedModel, ...content: Content[]): Promise<[string | undefined, string]> {
  const prompt = await preparePrompt(loaded, { messages: [user('2+2?'), partial(...content)], continue: true })
  return [prompt.resumption?.raw, prompt.begin]
}

test('where the template opens a thought, the answer begins in it', async () => {
  assert.equal((await preparePrompt(withTemplate(thinking), { messages: [user('2+2?')] })).begin, 'thinking')
  assert.equal((await preparePrompt(plain, { messages: [user('2+2?')] })).begin, 'undecided')
  assert.equal((await preparePrompt(plain, { messages: [user('2+2?')], schema: {} })).begin, 'decided')
})

test('a partial answer is taken up as the model wrote it, thought and all', async () => {
  assert.deepEqual(await rawOf(plain, said), ['Four', 'decided'])
  assert.deepEqual(await rawOf(plain, thought), ['<think>\nTwo and', 'resumed'])
  assert.deepEqual(await rawOf(plain, thought, said), ['<think>\nTwo and\n</think>\n\nFour', 'decided'])
  const opened = withTemplate(thinking)
  assert.deepEqual(await rawOf(opened, thought), ['Two and', 'resumed'])
  assert.deepEqual(await rawOf(opened, thought, said), ['Two and\n</think>\n\nFour', 'decided'])
  assert.deepEqual(await rawOf(opened), [undefined, 'thinking'])
})

test('whether to think is a warning where it makes no difference', async () => {
  const settings = async (loaded: LoadedModel, reasoning: boolean | 'low') => {
    const { warnings } = await preparePrompt(loaded, { messages: [user('2+2?')], reasoning })
    return warnings.map(({ setting }) => setting)
  }
  assert.deepEqual(await settings(plain, true), ['reasoning'])
  assert.deepEqual(await settings(plain, false), [])
  assert.deepEqual(await settings(withTemplate(switched), false), [])
  assert.deepEqual(await settings(withTemplate(switched), 'low'), ['reasoning'])
  assert.deepEqual(await settings(withTemplate(thinking), false), ['reasoning'])
  assert.deepEqual(await settings(withTemplate(`{{ reasoning_effort }}${switched}`), 'low'), [])
})

test('a model without a template is talked to in the usual way, with a warning', async () => {
  const { warnings } = await preparePrompt({ ...plain, templateText: undefined }, { messages: [user('Hi')] })
  assert.deepEqual(
    warnings.map(({ code }) => code),
    ['other'],
  )
})
