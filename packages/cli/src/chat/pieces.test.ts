import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseChatOptions } from './chat-options.ts'
import { describeUsage } from './describe-usage.ts'
import { exitCodeOfEnd } from './end-notice.ts'
import { createCodeExtractor } from './extract-code.ts'

describe('options of an answer', () => {
  it('are numbers under their usual names', () => {
    assert.deepEqual(
      parseChatOptions([
        'temperature=0.7',
        'top_p=1',
        'top_k=40',
        'min_p=0',
        'seed=-7',
        'max_tokens=5',
        'num_ctx=4096',
      ]),
      { temperature: 0.7, topP: 1, topK: 40, minP: 0, seed: -7, maxTokens: 5, contextLength: 4096 },
    )
    assert.deepEqual(parseChatOptions(['repeat_penalty=1.1', 'presence_penalty=-1', 'frequency_penalty=2']), {
      repeatPenalty: 1.1,
      presencePenalty: -1,
      frequencyPenalty: 2,
    })
  })

  it('may stop at several texts, with line breaks in quotes', () => {
    assert.deepEqual(parseChatOptions(['stop=END', 'stop="\\n\\n"', 'stop=a=b']), { stop: ['END', '\n\n', 'a=b'] })
  })

  it('are refused with the nearest name or the range', () => {
    const refused = (pair: string, pattern: RegExp, part: 'message' | 'hint' = 'message') =>
      assert.throws(() => parseChatOptions([pair]), { code: 'bad-input', [part]: pattern })
    refused('temprature=1', /-o temperature/, 'hint')
    refused('banana=1', /There are: temperature/, 'hint')
    refused('toString=1', /no option "toString"/)
    refused('temperature', /KEY=VALUE/)
    refused('=1', /KEY=VALUE/)
    refused('top_p=2', /a number from 0 to 1,/)
    refused('temperature=', /a number from 0 up/)
    refused('seed=1.5', /a whole number, and was given "1.5"/)
    refused('max_tokens=0', /from 1 up/)
    refused('stop=', /needs a text/)
    refused('stop="', /no JSON string/)
  })
})

describe('the first code block', () => {
  const extract = (...pieces: string[]) => {
    const extractor = createCodeExtractor()
    return { code: pieces.map(extractor.push).join('') + extractor.end(), found: extractor.found }
  }

  it('is found whatever the pieces are', () => {
    const answer = 'Yes:\n\n```js\nlet a = `x`\n\n```\nand\n```\nno\n```\n'
    assert.equal(extract(...answer).code, 'let a = `x`\n\n')
    assert.equal(extract(answer).code, 'let a = `x`\n\n')
  })

  it('ends only at a fence of its own kind that is long enough', () => {
    assert.equal(extract('````md\n```\ninner\n```\n````\n').code, '```\ninner\n```\n')
    assert.equal(extract('~~~\n```\n~~~\n').code, '```\n')
  })

  it('may be left open', () => {
    assert.deepEqual(extract('```\na\nb'), { code: 'a\nb', found: true })
  })

  it('is not a word in backticks', () => {
    assert.deepEqual(extract('```not a block```\n`x`\n'), { code: '', found: false })
  })
})

describe('the line of usage', () => {
  it('leaves out what is not known', () => {
    assert.equal(describeUsage('a/b', { usage: {}, timings: { totalMs: 5 } }), 'a/b')
    assert.equal(
      describeUsage('a/b', { usage: { outputTokens: 10 }, timings: { totalMs: 2100, firstTokenMs: 100 } }),
      'a/b · 10 tokens · 5.0 tok/s · first token 0.1 s',
    )
  })
})

describe('a rate', () => {
  it('is left out where too little was measured', () => {
    const usage = { outputTokens: 4 }
    assert.equal(describeUsage('a/b', { usage, timings: { totalMs: 2000, firstTokenMs: 100 } }), 'a/b · 4 tokens')
    const timings = { totalMs: 60, firstTokenMs: 11, generationMs: 49 }
    assert.equal(describeUsage('a/b', { usage: { outputTokens: 42 }, timings }), 'a/b · 42 tokens')
  })
})

describe('the exit code of an answer', () => {
  it('is that of its error, or 7', () => {
    const end = { type: 'end', usage: {}, timings: { totalMs: 1 } } as const
    assert.equal(exitCodeOfEnd({ ...end, state: 'incomplete', error: { code: 'stalled', message: '' } }), 8)
    assert.equal(exitCodeOfEnd({ ...end, state: 'crashed' }), 7)
    assert.equal(exitCodeOfEnd({ ...end, state: 'complete' }), 0)
  })
})
