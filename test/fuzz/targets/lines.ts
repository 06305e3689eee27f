import assert from 'node:assert/strict'
import { createLineSplitter, isLmappError } from 'lmapp-kit'
import type { Random } from '../../soak/random.ts'
import { mutateText } from '../mutate.ts'
import { fromBytes, type Input, type Target, toBytes } from '../target.ts'

/** The line splitter: the same lines however the bytes are cut, as a plain reading of the whole gives them. */
export const lines: Target = {
  name: 'lines',
  share: 0.08,
  open: async () => ({ create, check, async [Symbol.asyncDispose]() {} }),
}

const maxBytes = 300

function create(random: Random): Input {
  const pieces = [
    'a',
    '{"b":1}',
    '\r',
    '\n',
    '\r\n',
    '\n\n',
    'ä',
    '€',
    '𝄞',
    '\u2028',
    '\uFEFF',
    '\0',
    'x'.repeat(100),
    '\n',
  ]
  const text = Array.from({ length: random.below(60) }, () => random.oneOf(pieces)).join('')
  let bytes = fromBytes(Buffer.from(text))
  if (random.below(3) === 0) bytes = mutateText(random, bytes)
  const chunks: string[] = []
  const most = random.oneOf([1, 3, 20, 400])
  for (let at = 0; at < bytes.length; ) {
    const size = random.below(most + 1)
    chunks.push(bytes.slice(at, at + size))
    at += size
  }
  return chunks
}

function check(input: Input): void {
  assert.deepEqual(split(input), splitWhole(input.join('')))
}

interface Split {
  lines: string[]
  broken: boolean
}

function split(chunks: Input): Split {
  const splitter = createLineSplitter({ maxBytes })
  const found: string[] = []
  try {
    for (const chunk of chunks) for (const line of splitter.push(toBytes(chunk))) found.push(line)
    const last = splitter.end()
    if (last !== undefined) found.push(last)
    return { lines: found, broken: false }
  } catch (error) {
    if (!isLmappError(error, 'stream-malformed')) throw error
    const { line } = error.details ?? {}
    assert.ok(typeof line === 'string' && line.length <= 200, 'the error does not show the line')
    return { lines: found, broken: true }
  }
}

/** What a line is, in the simplest words. */
function splitWhole(text: string): Split {
  const all = text.split('\n')
  if (all.at(-1) === '') all.pop()
  const found: string[] = []
  for (const line of all) {
    const bytes = toBytes(line)
    const decoded = bytes.toString('utf8')
    if (bytes.length > maxBytes || !Buffer.from(decoded).equals(bytes)) return { lines: found, broken: true }
    found.push(decoded.replace(/\r$/, ''))
  }
  return { lines: found, broken: false }
}
