import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { parseEmbeddings, parseModelList, toEmbeddingBody } from './index.ts'
import { recorded } from './testing/recordings.ts'

const parsed = (name: string): unknown => JSON.parse(recorded(name).body)

describe('a list of models', () => {
  it('of llama-server says what the file holds, and the context of a slot', () => {
    const [model, ...others] = parseModelList(parsed('llama-server/models')) ?? []
    assert.equal(others.length, 0)
    assert.deepEqual(model, {
      info: {
        id: 'SmolLM2-135M-Instruct.Q4_1.gguf',
        sizeBytes: 96576768,
        quantization: 'Q4_1',
        parameters: '135M',
        contextLength: 8192,
        capabilities: { vision: 'no' },
      },
      servedContext: 2048,
      aliases: ['SmolLM2-135M-Instruct.Q4_1.gguf'],
      ownedBy: 'llamacpp',
    })
  })

  it('of others says less', () => {
    assert.deepEqual(parseModelList(parsed('ollama/models')), [
      { info: { id: 'smollm2:latest' }, aliases: [], ownedBy: 'library' },
    ])
    const vllm = { id: 'org/model', object: 'model', owned_by: 'vllm', max_model_len: 4096, root: '/models/x' }
    const gateway = { id: 'org/other', context_length: 32768, architecture: { input_modalities: ['text', 'image'] } }
    const router = { id: 'a', status: { value: 'unloaded' }, meta: { n_params: 7_240_000_000, n_ctx: 0 } }
    assert.deepEqual(
      parseModelList({ data: [vllm, gateway, router] })?.map(({ info }) => info),
      [
        { id: 'org/model', contextLength: 4096 },
        { id: 'org/other', contextLength: 32768, capabilities: { vision: 'yes' } },
        { id: 'a', parameters: '7.2B', loaded: false },
      ],
    )
  })

  it('may come bare, hold nonsense, or be none', () => {
    assert.deepEqual(
      parseModelList([{ id: 'a' }, {}, 5, null, { id: '' }])?.map(({ info }) => info.id),
      ['a'],
    )
    for (const none of [{}, 5, null, 'x', { data: 5 }, { error: 'Unexpected endpoint or method.' }]) {
      assert.equal(parseModelList(none), undefined)
    }
  })
})

describe('embeddings', () => {
  const parse = (answer: unknown, inputs: number) => parseEmbeddings(answer, { engine: 'The engine', inputs })

  it('are asked for as numbers', () => {
    assert.deepEqual(toEmbeddingBody({ model: 'm', input: ['a'] }), {
      model: 'm',
      input: ['a'],
      encoding_format: 'float',
    })
  })

  for (const engine of ['llama-server', 'ollama']) {
    it(`of ${engine} are read, as numbers and as base64`, () => {
      const { vectors, inputTokens } = parse(parsed(`${engine}/embeddings`), 2)
      assert.equal(vectors.length, 2)
      assert.equal(vectors[0]?.length, 8)
      assert.ok((inputTokens ?? 0) > 0)
      const [vector] = parse(parsed(`${engine}/embeddings-base64`), 1).vectors
      assert.equal(vector?.length, 576)
      const close = Math.abs((vector[0] ?? 0) - (vectors[0]?.[0] ?? 1)) < 1e-5
      assert.ok(close, 'both forms hold the same numbers')
    })
  }

  it('are put in order by index', () => {
    const data = [
      { index: 1, embedding: [2] },
      { index: 0, embedding: [1] },
    ]
    assert.deepEqual(
      parse({ data }, 2).vectors.map((vector) => [...vector]),
      [[1], [2]],
    )
    assert.deepEqual(
      parse({ data: [{ embedding: [1] }, { embedding: [2] }] }, 2).vectors.map((vector) => [...vector]),
      [[1], [2]],
    )
  })

  it('that are not one for each text, or no vectors, are refused', () => {
    const vector = { embedding: [1] }
    for (const [data, inputs] of [
      [[vector], 2],
      [
        [
          { ...vector, index: 0 },
          { ...vector, index: 0 },
        ],
        2,
      ],
      [[vector, { embedding: [1, 2] }], 2],
      [[{ embedding: ['x'] }], 1],
      [[{ embedding: [] }], 1],
      [[{ embedding: '' }], 1],
      [[{ embedding: 'AAA=' }], 1],
      [[5], 1],
      [undefined, 1],
    ] as const) {
      assert.throws(
        () => parse({ data }, inputs),
        (error) => isLmappError(error, 'protocol-violation'),
      )
    }
  })
})
